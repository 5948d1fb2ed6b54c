/**
 * The part of the metadata reflection proposal that tsyringe, inside @peculiar/x509, asks for when it is loaded. Import this
 * module before @peculiar/x509.
 */
type Target = object;
type Store = Map<unknown, unknown>;

const stores = new WeakMap<Target, Store>();

function ownMetadata(key: unknown, target: Target): unknown {
  return stores.get(target)?.get(key);
}

function inheritedMetadata(key: unknown, target: Target): unknown {
  for (let owner: Target | null = target; owner; owner = Object.getPrototypeOf(owner)) {
    if (stores.get(owner)?.has(key)) return ownMetadata(key, owner);
  }
  return undefined;
}

function defineMetadata(key: unknown, value: unknown, target: Target): void {
  const store = stores.get(target) ?? new Map();
  store.set(key, value);
  stores.set(target, store);
}

if (!("getMetadata" in Reflect)) {
  Object.assign(Reflect, {
    defineMetadata,
    getMetadata: inheritedMetadata,
    getOwnMetadata: ownMetadata,
    hasOwnMetadata: (key: unknown, target: Target) => stores.get(target)?.has(key) ?? false,
    metadata: (key: unknown, value: unknown) => (target: Target) => defineMetadata(key, value, target),
  });
}
