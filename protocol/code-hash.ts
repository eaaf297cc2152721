/**
 * SHA-256 over the paths and contents of all other sources in protocol/, 64 hexadecimal digits; see docs/protocol.md.
 * Written by `./zklora code-hash --write`.
 */
export const CODE_HASH = 'c81478930a115c51635a5a31225bead95be5acab473cd9a01e1d085e321550cc';
