import type { ServerAddress } from "#lib/database/server-connection.ts";

/** Whether a database can be brought to an instant between backups, and if not, exactly why. */
export declare function pointInTime(address: ServerAddress): Promise<{ available: boolean; message: string }>;
