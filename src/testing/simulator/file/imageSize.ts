const pngHead = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const gifHead = [0x47, 0x49, 0x46, 0x38]

/** The size in pixels of a PNG or GIF, read from its head; of other files nothing is known. */
export const imageSize = (
  bytes: Uint8Array,
): { readonly width: number; readonly height: number } | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (startsWith(bytes, pngHead) && bytes.length >= 24) {
    return { width: view.getUint32(16), height: view.getUint32(20) }
  }
  if (startsWith(bytes, gifHead) && bytes.length >= 10) {
    return { width: view.getUint16(6, true), height: view.getUint16(8, true) }
  }
  return undefined
}

function startsWith(bytes: Uint8Array, head: ReadonlyArray<number>): boolean {
  return head.every((byte, index) => bytes[index] === byte)
}
