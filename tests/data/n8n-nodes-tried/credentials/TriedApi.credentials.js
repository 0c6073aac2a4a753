class TriedApi {
	constructor() {
		this.name = 'triedApi';
		this.displayName = 'Tried API';
		this.properties = [
			{ displayName: 'URL', name: 'url', type: 'string', default: '', required: true },
			{ displayName: 'Token', name: 'token', type: 'string', default: '', required: true },
			{ displayName: 'Scheme', name: 'scheme', type: 'string', default: 'Token' },
		];
		this.authenticate = {
			type: 'generic',
			properties: { headers: { Authorization: '={{$credentials.scheme}} {{$credentials.token}}', 'X-Tried-Key': '={{$credentials.token}}' } },
		};
	}
}
exports.TriedApi = TriedApi;
