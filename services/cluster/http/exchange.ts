import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Attributes } from "../access/attributes.ts";
import type { User } from "../pki/identities.ts";

/** What a client that asks for another protocol gives: the connection, and what came after the request. */
export type Upgrade = { socket: Duplex; head: Buffer };

/** One request under way, who makes it, and what it asks for. */
export type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  user: User;
  attributes: Attributes;
  upgrade?: Upgrade;
  /** The name of an object that the request did not name, for the audit log. */
  objectName?: string;
};
