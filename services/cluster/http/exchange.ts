import type { IncomingMessage, ServerResponse } from "node:http";
import type { User } from "../pki/identities.ts";

/** One request under way, and who makes it. */
export type Exchange = { request: IncomingMessage; response: ServerResponse; url: URL; user: User };
