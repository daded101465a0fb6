import type { Component } from 'svelte';
import type { IconName } from '../ui/Icon.svelte';
import Keyboard from './Keyboard.svelte';
import ReminderList from '../reminders/ReminderList.svelte';
import Look from './Look.svelte';
import Notifications from './Notifications.svelte';
import Profile from './Profile.svelte';
import { BELL, KEY, KEYBOARD, MOON } from './icons';
import Security from './Security.svelte';
import Sessions from './Sessions.svelte';

/** The pages of the settings: name in the address, icon, content. */
export const SECTIONS = [
  { name: 'profile', icon: 'person', content: Profile },
  { name: 'security', icon: KEY, content: Security },
  { name: 'sessions', icon: 'shield', content: Sessions },
  { name: 'look', icon: MOON, content: Look },
  { name: 'notifications', icon: BELL, content: Notifications },
  { name: 'reminders', icon: 'clock', content: ReminderList },
  { name: 'keyboard', icon: KEYBOARD, content: Keyboard },
] as const satisfies readonly { name: string; icon: IconName; content: Component }[];
