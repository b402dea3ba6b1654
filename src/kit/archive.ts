/**
 * The file of a backup: one head line, the rows of each table compressed on their own, a manifest that names them, and an
 * end line that says where the manifest lies and what it hashes to.
 *
 * Keeps: written under another name and renamed when it is whole, readable by its owner only; a byte that changed, or an
 * end that is missing, is found before a single row is used. Any amount of rows passes through a bounded memory.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { access, open, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createDeflate, createInflate } from 'node:zlib'
import { z } from 'zod'
import { Refusal } from './refusal.ts'
import { codeOf } from './system.ts'

export const archiveFormat = 1
const headOf = (format: number) => `quits-backup ${format}\n`
const headShape = /^quits-backup (\d{1,6})\n/
/** `end <where the manifest begins> <its length> <its SHA-256>` */
const endShape = /^end (\d{15}) (\d{10}) ([0-9a-f]{64})\n$/
const endBytes = 'end '.length + 15 + 1 + 10 + 1 + 64 + 1
/** Nobody's manifest is longer; a length that lies is not believed. */
const longestManifest = 64 * 1024 * 1024
/** Quick, and still a fifth of the rows' size. */
const compression = 3

type OpenFile = Awaited<ReturnType<typeof open>>

const count = z.number().int().nonnegative()
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const partShape = z.object({
  table: z.string().regex(/^[a-z_][a-z0-9_]*$/),
  columns: z.array(z.string().regex(/^[a-z_][a-z0-9_]*$/)).min(1),
  rows: z.string().regex(/^\d+$/),
  offset: count,
  bytes: count,
  sha256: hash,
})
const manifestShape = z.object({
  format: z.literal(archiveFormat),
  madeAt: z.iso.datetime(),
  /** The version of Quits that made it, and the newest migration its database had. */
  version: z.string(),
  schemaVersion: z.string(),
  /** The master keys that open what is sealed in it; their names, not the keys. */
  keyIds: z.array(z.string()),
  ledgers: z.array(z.object({ networkId: z.uuid(), slug: z.string(), number: z.string().regex(/^\d+$/), hash })),
  parts: z.array(partShape),
})
export type Manifest = z.infer<typeof manifestShape>
export type ArchivePart = z.infer<typeof partShape>

// ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export type ArchiveWriter = {
  /** Compresses what `fill` gives away, piece by piece. */
  part<T>(fill: (take: (piece: Buffer) => Promise<void>) => Promise<T>): Promise<Placed & { filled: T }>
  /** COMMIT POINT: the file stands under its name, whole. */
  finish(manifest: Omit<Manifest, 'format'>): Promise<{ bytes: number }>
}
type Placed = Pick<ArchivePart, 'offset' | 'bytes' | 'sha256'>

/** Whatever is thrown inside leaves no file behind. */
export async function writeArchive<T>(path: string, write: (archive: ArchiveWriter) => Promise<T>): Promise<T> {
  if (await isThere(path)) throw new Refusal('backup_file_there', { file: path })
  const half = `${path}.half`
  await rm(half, { force: true })
  const file = await open(half, 'wx', 0o600).catch((error: unknown) => {
    throw new Refusal('backup_file_unusable', {
      file: path,
      why: `it cannot be written (${codeOf(error) ?? 'unknown'})`,
    })
  })
  try {
    return await write(await writerInto(file, half, path))
  } catch (error) {
    await rm(half, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

async function writerInto(file: OpenFile, half: string, path: string): Promise<ArchiveWriter> {
  let at = 0
  const put = async (bytes: Uint8Array) => {
    await file.writeFile(bytes)
    at += bytes.length
  }
  await put(Buffer.from(headOf(archiveFormat)))
  return {
    async part(fill) {
      const offset = at
      const sum = createHash('sha256')
      const deflate = createDeflate({ level: compression })
      const written = pipeline(deflate, async (compressed: AsyncIterable<Buffer>) => {
        for await (const bytes of compressed) {
          sum.update(bytes)
          await put(bytes)
        }
      })
      // Told by whoever waits for it below; a full disk must not end the program meanwhile.
      written.catch(() => undefined)
      try {
        const filled = await fill(async (piece) => {
          if (!deflate.write(piece)) await Promise.race([once(deflate, 'drain'), written])
        })
        deflate.end()
        await written
        return { offset, bytes: at - offset, sha256: sum.digest('hex'), filled }
      } catch (error) {
        deflate.destroy()
        throw error
      }
    },
    async finish(manifest) {
      const offset = at
      const text = Buffer.from(`${JSON.stringify({ format: archiveFormat, ...manifest } satisfies Manifest)}\n`)
      await put(text)
      const [where, length] = [`${offset}`.padStart(15, '0'), `${text.length}`.padStart(10, '0')]
      await put(Buffer.from(`end ${where} ${length} ${sha256Of(text)}\n`))
      await file.sync()
      await rename(half, path)
      return { bytes: at }
    },
  }
}

// ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The manifest, believed only when the file is whole: head, end, and the hash of each part. */
export async function readArchive(path: string): Promise<Manifest> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new Refusal('backup_file_unusable', { file: path, why: `it cannot be read (${codeOf(error) ?? 'unknown'})` })
  })
  try {
    const { size } = await file.stat()
    const head = (await bytesAt(file, 0, Math.min(32, size))).toString('latin1')
    const format = headShape.exec(head)?.[1]
    if (format === undefined) throw new Refusal('backup_file_unusable', { file: path, why: 'it is no backup of Quits' })
    if (Number(format) !== archiveFormat)
      throw new Refusal('backup_of_other_version', {
        what: `the format ${format}`,
        known: `the format ${archiveFormat}`,
      })
    const end = endShape.exec(
      (await bytesAt(file, Math.max(0, size - endBytes), Math.min(endBytes, size))).toString('latin1'),
    )
    if (!end) throw damaged(path, 'its end is missing: it was cut off')
    const [offset, length, hash] = [Number(end[1]), Number(end[2]), end[3]]
    if (length > longestManifest || offset + length + endBytes !== size)
      throw damaged(path, 'its end line does not fit')
    const text = await bytesAt(file, offset, length)
    if (sha256Of(text) !== hash) throw damaged(path, 'its manifest was changed')
    const parsed = manifestShape.safeParse(JSON.parse(text.toString('utf8')))
    if (!parsed.success) throw damaged(path, 'its manifest cannot be read')
    await proveParts(path, parsed.data, offset)
    return parsed.data
  } finally {
    await file.close()
  }
}

/** The parts lie one behind the other from the head to the manifest, so that no byte of the file stands outside a hash. */
async function proveParts(path: string, { parts }: Manifest, end: number): Promise<void> {
  let at = headOf(archiveFormat).length
  for (const part of parts) {
    if (part.offset !== at) throw damaged(path, `the rows of ${part.table} are not where they should be`)
    at += part.bytes
    const sum = createHash('sha256')
    for await (const bytes of bytesOf(path, part)) sum.update(bytes)
    if (sum.digest('hex') !== part.sha256) throw damaged(path, `the rows of ${part.table} were changed`)
  }
  if (at !== end) throw damaged(path, 'there is something between its rows and its manifest')
}

/** The rows of one table, as COPY gave them. */
export async function* rowsOf(path: string, part: ArchivePart): AsyncGenerator<Buffer> {
  const inflate = createInflate()
  const reading = pipeline(bytesOf(path, part), inflate)
  reading.catch(() => undefined)
  for await (const rows of inflate) yield rows as Buffer
  await reading
}

async function* bytesOf(path: string, { offset, bytes }: ArchivePart): AsyncGenerator<Buffer> {
  if (bytes > 0) yield* createReadStream(path, { start: offset, end: offset + bytes - 1 })
}

async function bytesAt(file: OpenFile, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
  return buffer.subarray(0, bytesRead)
}

function damaged(file: string, why: string): Refusal {
  return new Refusal('backup_damaged', { file, why })
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
