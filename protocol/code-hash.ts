/**
 * SHA-256 over the paths and contents of all other sources in protocol/, 64 hexadecimal digits; see docs/protocol.md.
 * Written by `./zklora code-hash --write`.
 */
export const CODE_HASH = 'e453dc59c605443db8e68af8dda85768e8683ec761039077398582c3f423ceef';
