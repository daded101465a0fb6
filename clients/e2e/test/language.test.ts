import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { settle, type BelievableTown } from '../town/believable';
import { becomes, composer, sees } from '../town/look';
import { useTown } from '../town/town';

const town = useTown({ 'server.environment': 'development' });
let here: BelievableTown;

town.settle(async () => {
  here = await settle(town());
});

/** Words that no French page of ours has, wherever they stand. */
const ENGLISH =
  /\b(the|and|you|your|here|with|from|this|what|who|search|settings|people|room|rooms|members?|online|offline|away|busy|log (?:in|out)|password|send|reply|delete|edit|write|new|none|close|save|open|join|leave|show|hide|details|account|loading|today|yesterday|ago|since|active|unread|as|is|of)\b/i;

/** Texts that people wrote themselves, and names. */
const OTHERS = [
  '.what .text',
  '.what > .text',
  'code',
  'pre',
  '[translate=no]',
  'option',
  'kbd',
  '.name',
  '.preview',
  '.topic',
  'bdi',
  'b',
];

/** All that the client says on a page: texts, and what is only read aloud or shown when the pointer rests. */
function wordsOf(page: Page): Promise<string[]> {
  return page.evaluate((others) => {
    const said: string[] = [];
    const own = (element: Element | null) => element !== null && !element.closest(others.join(', '));
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (parent && !['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(parent.tagName) && own(parent))
        said.push(node.textContent ?? '');
    }
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
      for (const name of ['aria-label', 'title', 'placeholder'])
        if (own(element)) said.push(element.getAttribute(name) ?? '');
    }
    return [...new Set(said.map((text) => text.trim()).filter(Boolean))];
  }, OTHERS);
}

/** Names and texts of the believable town, which are nobody's translation. */
const WRITTEN =
  /Inès|Tom Baker|Amélie|Jonas|Sofia|Malik|Grace|Yuki|Garden club|Seeds, soil|Reading circle|Sketches|Workshop|Boulangerie|The book about cats|Lobby|One drawing|Tools to lend|Come in|This month|English|Glue is drying/;

async function expectFrench(page: Page, what: string): Promise<void> {
  const said = await wordsOf(page);
  expect(said.length, what).toBeGreaterThan(3);
  expect(
    said.filter((text) => ENGLISH.test(text) && !WRITTEN.test(text)),
    `English on ${what}`,
  ).toEqual([]);
}

test('a French browser is spoken to in French, on every page', async () => {
  const stranger = await town().visit(null, { path: '/login', locale: 'fr-FR' });
  await sees(stranger.page.getByRole('heading', { name: 'Content de vous revoir' }));
  expect(await stranger.page.evaluate(() => document.documentElement.lang)).toBe('fr');
  await expectFrench(stranger.page, 'the log-in');
  await stranger.goto('/register');
  await sees(stranger.page.getByRole('button', { name: 'Créer le compte' }));
  await stranger.page.getByRole('button', { name: 'Créer le compte' }).click();
  await expectFrench(stranger.page, 'the registration');

  const { ines } = here.people;
  const visit = await town().visit(ines, { path: '/', locale: 'fr-FR', kept: { 'palabre.details': 'open' } });
  const { page } = visit;
  await sees(page.getByRole('heading', { name: 'Bienvenue, Inès Moreau' }));
  await expectFrench(page, 'the welcome');
  await visit.goto(`/c/${here.garden.id}`);
  await sees(composer(page));
  await sees(page.getByRole('complementary', { name: 'Détails' }).getByText('8 membres'));
  await page.getByRole('article').last().hover();
  await sees(page.getByRole('toolbar'));
  await expectFrench(page, 'a conversation');
  await page.getByRole('button', { name: 'Nouvelle conversation' }).first().click();
  for (const kind of ['Message direct', 'Groupe', 'Salon']) {
    await page.getByRole('radio', { name: new RegExp(`^${kind}`) }).check({ force: true });
    await expectFrench(page, `a new ${kind}`);
  }
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Votre compte' }).click();
  await sees(page.getByRole('menuitem', { name: 'Se déconnecter' }));
  await expectFrench(page, 'the menu of the account');
  for (const [path, sign] of [
    ['/discover', 'Découvrir les salons'],
    ['/settings/profile', 'Profil'],
    ['/settings/security', 'Mot de passe'],
    ['/settings/sessions', 'Appareils'],
    ['/settings/look', 'Apparence'],
    ['/settings/notifications', 'Notifications'],
    ['/settings/keyboard', 'Clavier'],
    ['/admin/people', 'Personnes'],
    ['/admin/rooms', 'Salons'],
    ['/admin/statistics', 'Statistiques'],
    ['/play', 'Bac à sable'],
  ] as const) {
    await visit.goto(path);
    await sees(page.getByRole('heading', { name: sign }));
    await page.waitForTimeout(300);
    await expectFrench(page, path);
  }
});

test('the emoji have French names for those who read French', async () => {
  const { page } = await town().visit(here.people.amelie, { path: `/c/${here.lobby.id}`, locale: 'fr-FR' });
  await page.getByRole('button', { name: 'Émoji' }).click();
  await page.getByRole('searchbox', { name: 'Chercher un émoji' }).fill('fraise');
  await sees(page.getByRole('button', { name: 'fraise' }));
});

test('a language that was chosen stays, whatever the browser speaks', async () => {
  const visit = await town().visit(null, '/login');
  const { page } = visit;
  await sees(page.getByRole('heading', { name: 'Welcome back' }));
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('en');
  await page.getByRole('radio', { name: 'Français' }).check({ force: true });
  await sees(page.getByRole('heading', { name: 'Content de vous revoir' }));
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('fr');
  await page.reload();
  await sees(page.getByRole('heading', { name: 'Content de vous revoir' }));

  const inside = await town().visit(here.people.malik, { path: '/settings/look', locale: 'fr-FR' });
  await inside.page.getByRole('radio', { name: 'English' }).check({ force: true });
  await sees(inside.page.getByRole('heading', { name: 'Appearance' }));
  await inside.goto('/');
  await sees(inside.page.getByRole('heading', { name: 'Welcome, Malik Diallo' }));
  await becomes(() => inside.page.evaluate(() => document.documentElement.lang), 'en');
});

test('a browser of another language is spoken to in English', async () => {
  const { page } = await town().visit(null, { path: '/login', locale: 'ja-JP' });
  await sees(page.getByRole('heading', { name: 'Welcome back' }));
});
