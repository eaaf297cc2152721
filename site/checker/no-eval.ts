/** Schemas interpret instead of compiling themselves to functions, which the content security policy forbids. */
import { config } from 'zod';

config({ jitless: true });
