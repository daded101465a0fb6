import { expect, it } from 'vitest';
import { agentOf } from './agents';

const MOZILLA = 'Mozilla/5.0';
const LIKE = 'AppleWebKit/537.36 (KHTML, like Gecko)';

it.each([
  [`${MOZILLA} (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0`, 'Firefox', 'Windows'],
  [`${MOZILLA} (X11; Linux x86_64) ${LIKE} Chrome/140.0.0.0 Safari/537.36`, 'Chrome', 'Linux'],
  [`${MOZILLA} (X11; Linux x86_64) ${LIKE} HeadlessChrome/140.0.0.0 Safari/537.36`, 'Chrome', 'Linux'],
  [`${MOZILLA} (Windows NT 10.0) ${LIKE} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`, 'Edge', 'Windows'],
  [
    `${MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) ${LIKE} Chrome/140.0 Safari/537.36 OPR/120.0`,
    'Opera',
    'macOS',
  ],
  [
    `${MOZILLA} (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15`,
    'Safari',
    'macOS',
  ],
  [
    `${MOZILLA} (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile/15E148 Safari/604.1`,
    'Safari',
    'iPhone',
  ],
  [
    `${MOZILLA} (Linux; Android 14) ${LIKE} SamsungBrowser/25.0 Chrome/121.0 Mobile Safari/537.36`,
    'Samsung Internet',
    'Android',
  ],
  [`${MOZILLA} (X11; CrOS x86_64 14541.0.0) ${LIKE} Chrome/140.0 Safari/537.36`, 'Chrome', 'ChromeOS'],
  ['curl/8.5.0', 'curl', null],
  ['node', 'node', null],
  [MOZILLA, null, null],
  ['', null, null],
  [null, null, null],
])('%s', (agent, browser, system) => expect(agentOf(agent)).toEqual({ browser, system }));

it('takes no program name of any length', () => expect(agentOf('x'.repeat(500)).browser).toHaveLength(40));
