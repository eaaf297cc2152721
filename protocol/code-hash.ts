/**
 * SHA-256 over the paths and contents of all other sources in protocol/, 64 hexadecimal digits; see docs/protocol.md.
 * Written by `./zklora code-hash --write`.
 */
export const CODE_HASH = '5ed5d88ac8fa14c7bb19e63290cc6691964cd1e6110c5f5c6aab6c32cbb991fb';
