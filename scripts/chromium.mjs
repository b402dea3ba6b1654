/**
 * Finds a Chromium for the browser tests, and installs one where that can be done unasked (Debian as root).
 *
 * Run by itself it prints the path. Never: skips in silence; without a browser it says what to install.
 */
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { aptInstall, mayInstall } from './apt.mjs'

export function findChromium(env = process.env) {
  for (const name of ['QUITS_CHROMIUM', 'CHROMIUM_PATH']) {
    const named = env[name]
    if (!named) continue
    if (existsSync(named)) return named
    throw new Error(`${name} names ${named}, and there is no such file. Correct it, or unset it.`)
  }
  return usualPaths(env).find((path) => existsSync(path)) ?? null
}

function usualPaths(env) {
  if (process.platform === 'darwin') {
    const apps = ['Chromium', 'Google Chrome', 'Microsoft Edge', 'Brave Browser']
    const homes = ['/Applications', join(env.HOME ?? '/', 'Applications')]
    return homes.flatMap((home) => apps.map((app) => join(home, `${app}.app`, 'Contents', 'MacOS', app)))
  }
  if (process.platform === 'win32') {
    const homes = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter(Boolean)
    const apps = ['Google\\Chrome', 'Chromium', 'Microsoft\\Edge']
    return homes.flatMap((home) =>
      apps.map((app) => join(home, app, 'Application', app.endsWith('Edge') ? 'msedge.exe' : 'chrome.exe')),
    )
  }
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge']
  return ['/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome'].flatMap((folder) =>
    [...names, 'chrome'].map((name) => join(folder, name)),
  )
}

export async function installChromium() {
  if (mayInstall()) await aptInstall('chromium')
  if (!findChromium()) throw new Error(advice())
}

function advice() {
  const how = {
    darwin: 'Install Google Chrome or Chromium (for example `brew install --cask google-chrome`)',
    win32: 'Install Google Chrome or Microsoft Edge',
    linux: 'Install Chromium (Debian: `sudo apt-get install chromium`) or Google Chrome',
  }
  const here = how[process.platform] ?? 'Install Chromium'
  return `The browser tests need a Chromium and found none. ${here}, or set QUITS_CHROMIUM to the browser's path.`
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  try {
    if (!findChromium()) throw new Error(advice())
    process.stdout.write(findChromium())
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
