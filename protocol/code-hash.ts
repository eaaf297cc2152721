/**
 * SHA-256 over the paths and contents of all other sources in protocol/, 64 hexadecimal digits; see docs/protocol.md.
 * Written by `./zklora code-hash --write`.
 */
export const CODE_HASH = '806a75c478729cd862b7e8c13c26df71197b5d35591b1921ba0287cf41d6e71a';
