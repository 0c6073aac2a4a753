// The hashes that `"text".hash(algorithm)` offers: V8 alone has none. Bytes in, hexadecimal out.
(function () {
  'use strict';
  const hex = (words, bytes) => words.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('').slice(0, bytes * 2);
  const rotate = (value, by) => (value << by) | (value >>> (32 - by));
  const primes = (() => {
    const found = [];
    for (let n = 2; found.length < 80; n++) if (found.every((p) => n % p)) found.push(n);
    return found;
  })();

  // The padded message as big-endian words of 32 bits; `block` is 64 or 128 bytes.
  const padded = (bytes, block, little) => {
    const length = Math.ceil((bytes.length + 1 + block / 8) / block) * block;
    const all = new Uint8Array(length);
    all.set(bytes);
    all[bytes.length] = 0x80;
    const view = new DataView(all.buffer);
    const bits = bytes.length * 8;
    view.setUint32(length - (little ? 8 : 4), bits >>> 0, little);
    view.setUint32(length - (little ? 4 : 8), Math.floor(bits / 2 ** 32), little);
    return view;
  };

  const md5 = (bytes) => {
    const view = padded(bytes, 64, true);
    const shifts = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
    for (let at = 0; at < view.byteLength; at += 64) {
      let [a, b, c, d] = state;
      for (let i = 0; i < 64; i++) {
        const round = i >> 4;
        const f = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round];
        const g = [i, 5 * i + 1, 3 * i + 5, 7 * i][round] % 16;
        const sum = (a + f + Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) + view.getUint32(at + g * 4, true)) | 0;
        [a, d, c, b] = [d, c, b, (b + rotate(sum, shifts[round][i % 4])) | 0];
      }
      state = state.map((word, i) => (word + [a, b, c, d][i]) | 0);
    }
    return hex(state.map((w) => ((w & 0xff) << 24) | ((w & 0xff00) << 8) | ((w >>> 8) & 0xff00) | (w >>> 24)), 16);
  };

  const sha1 = (bytes) => {
    const view = padded(bytes, 64, false);
    let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
    for (let at = 0; at < view.byteLength; at += 64) {
      const w = [];
      for (let i = 0; i < 80; i++) w.push(i < 16 ? view.getInt32(at + i * 4) : rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1));
      let [a, b, c, d, e] = state;
      for (let i = 0; i < 80; i++) {
        const f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
        const k = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6][Math.floor(i / 20)];
        [a, b, c, d, e] = [(rotate(a, 5) + f + e + k + w[i]) | 0, a, rotate(b, 30), c, d];
      }
      state = state.map((word, i) => (word + [a, b, c, d, e][i]) | 0);
    }
    return hex(state, 20);
  };

  const fraction32 = (value) => ((value - Math.floor(value)) * 2 ** 32) | 0;
  const K256 = primes.slice(0, 64).map((p) => fraction32(p ** (1 / 3)));
  const H256 = primes.slice(0, 8).map((p) => fraction32(p ** 0.5));
  const H224 = [0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4];
  const sha256 = (bytes, start, size) => {
    const view = padded(bytes, 64, false);
    let state = start.slice();
    for (let at = 0; at < view.byteLength; at += 64) {
      const w = [];
      for (let i = 0; i < 64; i++) {
        if (i < 16) { w.push(view.getInt32(at + i * 4)); continue; }
        const s0 = rotate(w[i - 15], 25) ^ rotate(w[i - 15], 14) ^ (w[i - 15] >>> 3);
        const s1 = rotate(w[i - 2], 15) ^ rotate(w[i - 2], 13) ^ (w[i - 2] >>> 10);
        w.push((w[i - 16] + s0 + w[i - 7] + s1) | 0);
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i++) {
        const s1 = rotate(e, 26) ^ rotate(e, 21) ^ rotate(e, 7);
        const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K256[i] + w[i]) | 0;
        const s0 = rotate(a, 30) ^ rotate(a, 19) ^ rotate(a, 10);
        const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [a, b, c, d, e, f, g, h] = [(t1 + t2) | 0, a, b, c, (d + t1) | 0, e, f, g];
      }
      state = state.map((word, i) => (word + [a, b, c, d, e, f, g, h][i]) | 0);
    }
    return hex(state, size);
  };

  // The first 64 bits of the fraction of a root, found by integers: a double holds too few.
  const root = (n, degree) => {
    let low = 0n, high = 1n << 72n;
    const target = BigInt(n) << (64n * BigInt(degree));
    while (high - low > 1n) {
      const middle = (low + high) >> 1n;
      if (middle ** BigInt(degree) <= target) low = middle; else high = middle;
    }
    return low & 0xffffffffffffffffn;
  };
  const MASK = 0xffffffffffffffffn;
  let K512 = null, H512 = null;
  const H384 = ['cbbb9d5dc1059ed8', '629a292a367cd507', '9159015a3070dd17', '152fecd8f70e5939', '67332667ffc00b31', '8eb44a8768581511', 'db0c2e0d64f98fa7', '47b5481dbefa4fa4'];
  const sha512 = (bytes, size) => {
    K512 ??= primes.map((p) => root(p, 3));
    H512 ??= primes.slice(0, 8).map((p) => root(p, 2));
    const view = padded(bytes, 128, false);
    const turn = (value, by) => ((value >> BigInt(by)) | (value << BigInt(64 - by))) & MASK;
    let state = size === 48 ? H384.map((word) => BigInt('0x' + word)) : H512.slice();
    for (let at = 0; at < view.byteLength; at += 128) {
      const w = [];
      for (let i = 0; i < 80; i++) {
        if (i < 16) { w.push(view.getBigUint64(at + i * 8)); continue; }
        const s0 = turn(w[i - 15], 1) ^ turn(w[i - 15], 8) ^ (w[i - 15] >> 7n);
        const s1 = turn(w[i - 2], 19) ^ turn(w[i - 2], 61) ^ (w[i - 2] >> 6n);
        w.push((w[i - 16] + s0 + w[i - 7] + s1) & MASK);
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 80; i++) {
        const s1 = turn(e, 14) ^ turn(e, 18) ^ turn(e, 41);
        const t1 = (h + s1 + ((e & f) ^ (~e & MASK & g)) + K512[i] + w[i]) & MASK;
        const s0 = turn(a, 28) ^ turn(a, 34) ^ turn(a, 39);
        const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) & MASK;
        [a, b, c, d, e, f, g, h] = [(t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g];
      }
      state = state.map((word, i) => (word + [a, b, c, d, e, f, g, h][i]) & MASK);
    }
    return state.map((word) => word.toString(16).padStart(16, '0')).join('').slice(0, size * 2);
  };

  // SHA3-512: the sponge of Keccak over 25 words of 64 bits.
  const RATE = 72;
  const ROUNDS = (() => {
    const found = [];
    for (let round = 0, register = 1; round < 24; round++) {
      let constant = 0n;
      for (let bit = 0; bit < 7; bit++) {
        if (register & 1) constant |= 1n << BigInt(2 ** bit - 1);
        register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
      }
      found.push(constant);
    }
    return found;
  })();
  const left = (value, by) => (by ? ((value << BigInt(by)) | (value >> BigInt(64 - by))) & MASK : value);
  const permute = (lanes) => {
    for (const constant of ROUNDS) {
      const columns = [0, 1, 2, 3, 4].map((x) => lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]);
      for (let at = 0; at < 25; at++) lanes[at] ^= columns[(at + 4) % 5] ^ left(columns[(at + 1) % 5], 1);
      for (let x = 1, y = 0, held = lanes[1], step = 0; step < 24; step++) {
        [x, y] = [y, (2 * x + 3 * y) % 5];
        const at = x + 5 * y, next = lanes[at];
        lanes[at] = left(held, ((step + 1) * (step + 2) / 2) % 64);
        held = next;
      }
      for (let y = 0; y < 25; y += 5) {
        const row = lanes.slice(y, y + 5);
        for (let x = 0; x < 5; x++) lanes[y + x] = row[x] ^ (~row[(x + 1) % 5] & MASK & row[(x + 2) % 5]);
      }
      lanes[0] ^= constant;
    }
  };
  const sha3 = (bytes) => {
    const all = new Uint8Array(Math.ceil((bytes.length + 1) / RATE) * RATE);
    all.set(bytes);
    all[bytes.length] = 0x06;
    all[all.length - 1] |= 0x80;
    const view = new DataView(all.buffer), lanes = new Array(25).fill(0n);
    for (let at = 0; at < all.length; at += RATE) {
      for (let word = 0; word < RATE / 8; word++) lanes[word] ^= view.getBigUint64(at + 8 * word, true);
      permute(lanes);
    }
    const digest = new DataView(new ArrayBuffer(64));
    for (let word = 0; word < 8; word++) digest.setBigUint64(8 * word, lanes[word], true);
    return Array.from(new Uint8Array(digest.buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
  };

  const algorithms = {
    md5, sha1,
    sha224: (bytes) => sha256(bytes, H224, 28), sha256: (bytes) => sha256(bytes, H256, 32),
    sha384: (bytes) => sha512(bytes, 48), sha512: (bytes) => sha512(bytes, 64), sha3,
  };
  const plain = (name) => String(name).toLowerCase().replace('-', '');
  globalThis.__hashes = { names: Object.keys(algorithms), plain, hash: (bytes, name) => algorithms[plain(name)](bytes) };
})();
