class TriedOAuth2Api {
	constructor() {
		this.name = 'triedOAuth2Api';
		this.extends = ['oAuth2Api'];
		this.displayName = 'Tried OAuth2 API';
		this.properties = [{ displayName: 'Authorization URL', name: 'authUrl', type: 'hidden', default: 'https://provider.example/authorize' }];
	}
}
exports.TriedOAuth2Api = TriedOAuth2Api;
