/** Runs a few lines of plain JavaScript beside the scripts, as their own program, and reads what they print as JSON. */
import { spawn } from 'node:child_process'

export function runScript(file: string, lines: string): Promise<unknown> {
  const module = new URL(`../../scripts/${file}`, import.meta.url).href
  const text = `const script = await import(${JSON.stringify(module)})\nconst print = (it) => console.log(JSON.stringify(it))\n${lines}`
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    let complained = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    child.stderr.on('data', (chunk) => {
      complained += chunk
    })
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(said)) : reject(new Error(complained))))
  })
}
