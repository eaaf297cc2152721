/**
 * SHA-256 over the paths and contents of all other sources in protocol/, 64 hexadecimal digits; see docs/protocol.md.
 * Written by `./zklora code-hash --write`.
 */
export const CODE_HASH = '6be7c1e0d4c2a0a1afda69be8dc55deafdb940cf43bf2f5edc993239a259ffc3';
