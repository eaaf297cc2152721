/**
 * SHA-256 over the paths and contents of all other sources in protocol/, 64 hexadecimal digits; see docs/protocol.md.
 * Written by `./zklora code-hash --write`.
 */
export const CODE_HASH = 'b603d96ac01f438452d99da218d4ba5637569a9c06086269c22ec8e4356ce917';
