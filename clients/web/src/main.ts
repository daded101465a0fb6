import './style/tokens.css';
import './style/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { town } from './town/town.svelte';

// The first screen wants the server's name and settings, but does not wait for them.
town.askServer().catch(() => {});
town.enter();
mount(App, { target: document.body });
