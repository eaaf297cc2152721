/** Texts of others, before they are shown. */

/**
 * Characters that a terminal takes as commands, and those that turn the direction of writing. Lines and tabs are none.
 * https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
 */
const COMMANDS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text that only shows: each command in it is U+FFFD. */
export const printable = (text: string): string => text.replace(COMMANDS, '\ufffd');
