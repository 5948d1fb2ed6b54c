/** The tag of an image name, else the first 12 digits of its digest, else "latest". */
export function versionOf(image: string): string {
  const [name = "", digest] = image.split("@");
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  if (tag) return tag;
  return digest ? digest.replace(/^sha256:/, "").slice(0, 12) : "latest";
}

/** The container whose image is the service's version: the one with the service's name, else the first. */
export function mainContainer<T extends { name: string }>(containers: readonly T[], service: string): T | undefined {
  return containers.find((container) => container.name === service) ?? containers[0];
}
