class Rest {
	constructor() {
		this.description = {
			displayName: 'Rest',
			name: 'rest',
			group: ['transform'],
			version: 1,
			description: 'Says what is asked, and not how',
			defaults: { name: 'Rest' },
			inputs: ['main'],
			outputs: ['main'],
			credentials: [{ name: 'triedApi', required: true }],
			requestDefaults: { baseURL: '={{$credentials.url}}', headers: { 'x-tried': 'yes' } },
			properties: [
				{
					displayName: 'Operation',
					name: 'operation',
					type: 'options',
					default: 'list',
					options: [
						{
							name: 'List',
							value: 'list',
							routing: {
								request: { method: 'GET', url: '/things' },
								output: { postReceive: [{ type: 'rootProperty', properties: { property: 'things' } }] },
							},
						},
						{ name: 'Create', value: 'create', routing: { request: { method: 'POST', url: '=/things/{{$parameter["name"]}}' } } },
					],
				},
				{
					displayName: 'Name',
					name: 'name',
					type: 'string',
					default: 'none',
					displayOptions: { show: { operation: ['create'] } },
					routing: { send: { type: 'body', property: 'thing.name' } },
				},
				{
					displayName: 'Limit',
					name: 'limit',
					type: 'number',
					default: 1,
					displayOptions: { show: { operation: ['list'] } },
					routing: { send: { type: 'query', property: 'limit' }, output: { maxResults: '={{$value}}' } },
				},
			],
		};
	}
}
exports.Rest = Rest;
