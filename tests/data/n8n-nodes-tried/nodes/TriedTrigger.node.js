class TriedTrigger {
	constructor() {
		this.description = { displayName: 'Tried', name: 'triedTrigger', group: ['trigger'], version: 1, inputs: [], outputs: ['main'], properties: [] };
	}

	async trigger() {
		return {};
	}
}
exports.TriedTrigger = TriedTrigger;
