// One browser for the whole run; each test file connects to it.
import { chromium, type BrowserServer } from 'playwright-core';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    browser: string;
  }
}

/** No sandbox, because tests run as root in containers; nothing that calls home. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-lcd-text',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A microphone that beeps, which may be used.
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

let server: BrowserServer | undefined;

export async function setup(project: TestProject): Promise<void> {
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  server = await chromium.launchServer({ executablePath, args: FLAGS, headless: true });
  project.provide('browser', server.wsEndpoint());
}

export async function teardown(): Promise<void> {
  await server?.close();
}
