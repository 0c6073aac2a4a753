"""What calls from outside become, and what they are answered with: webhooks, forms, chats, tools."""
