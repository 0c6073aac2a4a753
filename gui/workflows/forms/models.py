"""Fields of chat and embedding models. Pure."""

from typing import Final

from gui.workflows.forms.fields import (
    Field,
    added,
    locator,
    number,
    since,
    text,
    until,
)

TEMPERATURE: Final = (number("temperature", "Temperature"), number("topP", "Top P"))
MOST: Final = number("maxTokens", "Most tokens", -1)
PENALTIES: Final = (number("frequencyPenalty", "Frequency penalty"), number("presencePenalty", "Presence penalty"))
_OLLAMA: Final = added(
    *TEMPERATURE,
    number("topK", "Top K"),
    *PENALTIES,
    number("repeatPenalty", "Repeat penalty"),
    number("numCtx", "Context length"),
    number("numPredict", "Most tokens", -1),
)
_OTHER: Final = added(
    *TEMPERATURE,
    number("topK", "Top K"),
    *PENALTIES,
    MOST,
    number("maxTokensToSample", "Most tokens (Anthropic)"),
    number("maxOutputTokens", "Most tokens (Google)"),
)
BY: Final = (("list", "From the list"), ("id", "By its name"))
_NAMED: Final = text("model", "Model")

MODELS: Final[dict[str, tuple[Field, ...]]] = {
    "lmChatOllama": (_NAMED, _OLLAMA),
    "lmOllama": (_NAMED, _OLLAMA),
    "lmChatOpenAi": (*until(1.2, _NAMED), *since(1.2, locator("model", "Model", *BY)), _OTHER),
    "lmOpenAi": (locator("model", "Model", *BY), _OTHER),
    "lmChatAnthropic": (*until(1.3, _NAMED), *since(1.3, locator("model", "Model", *BY)), _OTHER),
    "lmChatGoogleGemini": (text("modelName", "Model"), _OTHER),
    "lmChatGoogleVertex": (text("modelName", "Model"), _OTHER),
    **dict.fromkeys(
        (
            "lmChatAwsBedrock",
            "lmChatAzureOpenAi",
            "lmChatCohere",
            "lmChatDeepSeek",
            "lmChatGroq",
            "lmChatMistralCloud",
            "lmChatOpenRouter",
            "lmChatXAiGrok",
        ),
        (_NAMED, _OTHER),
    ),
    **dict.fromkeys(("embeddingsAzureOpenAi", "embeddingsMistralCloud", "embeddingsOllama", "embeddingsOpenAi"), (_NAMED,)),
    **{
        name: (text("modelName", "Model"),)
        for name in ("embeddingsCohere", "embeddingsGoogleGemini", "embeddingsHuggingFaceInference")
    },
}
