/** The bytes of an attachment, kept for download. */
export interface StoredFile {
  readonly filename: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** Files by the id of their attachment, the oldest first. `size` is all their bytes together. */
export interface FileStore {
  readonly files: Map<string, StoredFile>
  size: number
}

export const makeFileStore = (): FileStore => ({ files: new Map(), size: 0 })

/** Keeps a file, and forgets the oldest when there are more than `history` bytes. */
export const storeFile = (
  store: FileStore,
  attachmentId: string,
  file: StoredFile,
  history: number,
): void => {
  store.files.set(attachmentId, file)
  store.size += file.bytes.length
  for (const id of store.files.keys()) {
    if (store.size <= history) return
    forgetFile(store, id)
  }
}

export function forgetFile(store: FileStore, attachmentId: string): void {
  store.size -= store.files.get(attachmentId)?.bytes.length ?? 0
  store.files.delete(attachmentId)
}
