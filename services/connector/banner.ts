/** Bytes as printable ASCII without the line's end: other bytes, and the backslash, as \xNN. At most four characters a byte. */
export function safeText(bytes: Uint8Array): string {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 10 || bytes[end - 1] === 13)) end -= 1;
  let text = "";
  for (const byte of bytes.subarray(0, end)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x5c;
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}
