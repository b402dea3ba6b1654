/** Every page, as a list: two clicks from the top to anything. */
import type { Express } from 'express'
import type { Deps } from '../deps.ts'
import { pages } from '../page.ts'
import { bookkeeperPages } from './bookkeeper/bookkeeper-pages.ts'
import { convenerPages } from './convener/convener-pages.ts'
import { demoMailPage } from './demo-mail.tsx'
import { exportPages } from './exports.tsx'
import { homePage } from './home.tsx'
import { joinPages } from './join.tsx'
import { memberPages } from './member/member-pages.ts'
import { operatorPages } from './operator.tsx'
import { problemPage } from './problem.tsx'
import { signInPages } from './sign-in.tsx'

export function servePages(app: Express, deps: Deps): void {
  const serve = pages(app, deps)
  homePage(serve)
  signInPages(serve)
  joinPages(serve)
  operatorPages(serve)
  convenerPages(serve)
  memberPages(serve)
  bookkeeperPages(serve)
  exportPages(serve)
  problemPage(serve)
  if (deps.demo) demoMailPage(serve)
}
