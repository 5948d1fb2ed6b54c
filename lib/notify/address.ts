import { type LookupAddress, lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

// Administrators choose where notifications go, so addresses in private networks and on this host are allowed: receivers live
// there. What is refused is the metadata service of clouds, which hands credentials to whoever asks from inside. The check is on
// the address that the socket connects to, not on a name resolved before, so that a name that changes its answer does not slip by.

const refused = new BlockList();
refused.addSubnet("169.254.0.0", 16, "ipv4");
refused.addSubnet("fe80::", 10, "ipv6");
// The same behind NAT64, and the metadata services that are not link-local: AWS (IPv6), Oracle, Alibaba, Azure.
refused.addSubnet("64:ff9b::a9fe:0", 112, "ipv6");
refused.addAddress("fd00:ec2::254", "ipv6");
refused.addAddress("192.0.0.192", "ipv4");
refused.addAddress("100.100.100.200", "ipv4");
refused.addAddress("168.63.129.16", "ipv4");
refused.addSubnet("224.0.0.0", 4, "ipv4");
refused.addSubnet("ff00::", 8, "ipv6");

/** An address that notifications are not sent to. */
export class BlockedAddressError extends Error {
  override readonly name = "BlockedAddressError";
  readonly code = "EBLOCKED";

  constructor(address: string) {
    super(`${address} is a link-local, metadata or multicast address: notifications are not sent there.`);
  }
}

/** Whether an IP address may not be used: link-local, a cloud's metadata service, multicast. */
export function isRefusedAddress(address: string): boolean {
  const [bare = ""] = address.split("%");
  const family = isIP(bare);
  return family !== 0 && refused.check(bare, family === 6 ? "ipv6" : "ipv4");
}

/** Throws BlockedAddressError for a host that is itself such an address; a name is checked when it is resolved. */
export function refuseLiteral(host: string): void {
  const bare = host.replace(/^\[|\]$/g, "");
  if (isRefusedAddress(bare)) throw new BlockedAddressError(bare);
}

/** The lookup of a socket that refuses a name of which any address is refused. */
export function guardLookup(resolve: typeof lookup = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const bad = addresses?.find(({ address }) => isRefusedAddress(address));
      const [first] = addresses ?? [];
      if (error) callback(error, "", 0);
      else if (bad) callback(new BlockedAddressError(`${hostname} (${bad.address})`), "", 0);
      else if (options.all) callback(null, addresses);
      else if (first) callback(null, first.address, first.family);
      else callback(Object.assign(new Error(`${hostname} has no address`), { code: "ENOTFOUND" }), "", 0);
    });
  };
}

/** Resolves a host to one address that may be used; throws BlockedAddressError or the resolver's error. */
export function resolveHost(host: string, resolve?: typeof lookup): Promise<string> {
  if (isIP(host) !== 0) {
    refuseLiteral(host);
    return Promise.resolve(host);
  }
  return new Promise((settle, reject) => {
    guardLookup(resolve)(host, {}, (error, address) => {
      if (error) reject(error);
      else settle(String(address));
    });
  });
}
