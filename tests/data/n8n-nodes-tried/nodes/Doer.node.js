class Doer {
	constructor() {
		this.description = {
			displayName: 'Doer',
			name: 'doer',
			group: ['transform'],
			version: [1, 2],
			description: 'Does what it is told',
			defaults: { name: 'Doer' },
			inputs: ['main'],
			outputs: ['main', 'main'],
			credentials: [{ name: 'triedApi', displayOptions: { show: { operation: ['call'] } } }, { name: 'triedOAuth2Api' }],
			properties: [
				{ displayName: 'Operation', name: 'operation', type: 'options', default: 'double', options: [] },
				{ displayName: 'Number', name: 'number', type: 'number', default: 21 },
				{ displayName: 'Path', name: 'path', type: 'string', default: '/things', displayOptions: { show: { operation: ['call'] } } },
			],
		};
	}

	async execute() {
		const operation = this.getNodeParameter('operation', 0);
		return doings[operation].call(this, this.getInputData());
	}
}

const doings = {
	double(items) {
		const [even, odd] = [[], []];
		items.forEach((_, item) => {
			try {
				const number = this.getNodeParameter('number', item);
				if (typeof number !== 'number') throw Object.assign(new Error('That is no number'), { context: { itemIndex: item } });
				console.log('printed by a node');
				(number % 2 ? odd : even).push({ json: { doubled: number * 2 }, pairedItem: { item } });
			} catch (error) {
				if (!this.continueOnFail()) throw error;
				odd.push({ json: { error: error.message }, pairedItem: { item } });
			}
		});
		return [even, odd];
	},
	async call(items) {
		const { url } = await this.getCredentials('triedApi');
		const made = [];
		for (let item = 0; item < items.length; item += 1) {
			const path = this.getNodeParameter('path', item);
			const body = await this.helpers.httpRequestWithAuthentication.call(this, 'triedApi', { method: 'POST', url: `${url}${path}`, body: items[item].json, json: true });
			made.push(...this.helpers.constructExecutionMetaData(this.helpers.returnJsonArray(body), { itemData: { item } }));
		}
		return [made, []];
	},
	async tell() {
		return [[{ json: { env: Object.keys(process.env).sort(), pid: process.pid, token: (await this.getCredentials('triedApi')).token } }], []];
	},
	async binary(items) {
		const bytes = await this.helpers.getBinaryDataBuffer(0, 'data');
		return [[{ json: {}, binary: { data: await this.helpers.prepareBinaryData(Buffer.from(bytes.toString().toUpperCase()), 'out.txt') } }], []];
	},
	crash() {
		process.exit(3);
	},
	hang() {
		for (;;);
	},
	async leave() {
		require('node:child_process').spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
		return [[{ json: {} }], []];
	},
	flood() {
		return [[{ json: { text: 'x'.repeat(40 * 1024 * 1024) } }], []];
	},
	forget() {
		const all = [];
		for (;;) all.push(new Array(1e6).fill(all.length));
	},
	async print() {
		require('node:fs').writeSync(1, '{"level":30,"msg":"past what a node is given"}\nno line'); // as loggers do
		return [[{ json: { printed: true } }], []];
	},
	async late() {
		setTimeout(() => Promise.reject(new Error('nobody waits for this')), 100);
		return [[{ json: { pid: process.pid } }], []];
	},
	async linger() {
		await new Promise((resolve) => setTimeout(resolve, 1000));
		return [[{ json: { pid: process.pid } }], []];
	},
	async hoard() {
		const all = [];
		for (;;) all.push(Buffer.alloc(32 * 1024 * 1024, all.length + 1)); // not of V8's heap
	},
	async guarded(items) {
		const url = items[0].json.url;
		const one = await this.helpers.httpRequestWithAuthentication.call(this, 'triedOAuth2Api', { url });
		const two = await this.helpers.requestOAuth2.call(this, 'triedOAuth2Api', { url, json: true });
		return [[{ json: { ok: [one.ok, two.ok] } }], []];
	},
	async led() {
		const { url } = await this.getCredentials('triedApi');
		const options = { method: 'GET', url: `${url}/led` };
		const body = await this.helpers.httpRequestWithAuthentication.call(this, 'triedApi', options);
		return [[{ json: { body } }], []];
	},
	count() {
		const data = this.getWorkflowStaticData('node');
		data.count = (data.count || 0) + 1;
		return [[{ json: { count: data.count } }], []];
	},
};
exports.Doer = Doer;
