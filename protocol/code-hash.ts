/**
 * SHA-256 over the paths and contents of all other sources in protocol/, 64 hexadecimal digits; see docs/protocol.md.
 * Written by `./zklora code-hash --write`.
 */
export const CODE_HASH = '47379014a266e7e3f43e8b3ffbbb6fcd5a4a61b821f0779eb00f09bbf98a9a5f';
