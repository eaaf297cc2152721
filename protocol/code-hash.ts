/**
 * SHA-256 over the paths and contents of all other sources in protocol/, 64 hexadecimal digits; see docs/protocol.md.
 * Written by `./zklora code-hash --write`.
 */
export const CODE_HASH = '56cf650ad180e43e5372938c7ca5008dce0360c4416740856a11799a6b36ff88';
