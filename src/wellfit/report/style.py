"""The look of the page: one style sheet, light and dark, narrow and wide, screen and paper."""

from __future__ import annotations

# Colors are Okabe & Ito's (2008), which people with any color vision can tell apart; text has darker (on light) or
# lighter (on dark) forms of them, with a contrast of 4.5 and more.
STYLE = """
:root{color-scheme:light dark;--paper:#fdfdfc;--panel:#f5f5f2;--ink:#1d2126;--quiet:#586069;--rule:#dcdcd6;
--link:#005c94;
--baseline:#6a7178;--control:#d55e00;--single:#a2528a;--cocktail:#0072b2;--ensemble:#00805e;--good:#00694d;
--flat:#4f5962;
--bad:#a84800;--part:#7a5c00;--track:#e6e6e1}
@media (prefers-color-scheme:dark){:root{--paper:#15181b;--panel:#1d2125;--ink:#e6e8ea;--quiet:#a3abb3;--rule:#33393f;
--link:#7cc4f0;--baseline:#a3abb3;--control:#f08a3c;--single:#dd94c2;--cocktail:#56b4e9;--ensemble:#2fc79c;
--good:#43d0a6;
--flat:#b4bcc4;--bad:#f59a55;--part:#e5bf3f;--track:#2a2f34}}
*{box-sizing:border-box}
html{font:1.0625rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:break-word}
main,header,footer{max-width:58rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.2rem}
header p{margin:.2rem 0 0;color:var(--quiet)}
h1{font-size:1.25rem;font-weight:600;margin:0;letter-spacing:-.005em}
h2{font-size:1.3rem;font-weight:600;line-height:1.3;margin:3.4rem 0 .9rem;letter-spacing:-.01em}
h3{font-size:1rem;font-weight:600;margin:1.8rem 0 .5rem}
p{margin:.6rem 0;max-width:42rem}
a{color:var(--link);text-underline-offset:.2em;text-decoration-thickness:1px}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
nav ul{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;list-style:none;margin:1rem 0 0;padding:0;font-size:.9rem}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
.verdict{display:grid;grid-template-columns:auto 1fr;gap:.2rem 1.1rem;align-items:start;margin:1.9rem 0 0;
padding:1.5rem 0 1.4rem;border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}
.verdict svg{width:2.6rem;height:2.6rem;margin-top:.15rem}
.verdict h2{margin:0;font-size:1.55rem}
.verdict .sentence{font-size:1.12rem;margin:.35rem 0 0}
.verdict .more{grid-column:2;color:var(--quiet);font-size:.93rem}
.verdict .more p,.verdict .more ul{margin:.45rem 0 0}
.level-good{color:var(--good)}.level-flat{color:var(--flat)}.level-bad{color:var(--bad)}.level-part{color:var(--part)}
.badge-fill{fill:currentColor}.badge-line{fill:none;stroke:var(--paper);stroke-width:2.4;stroke-linecap:round;
stroke-linejoin:round}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:1.1rem 1.6rem;margin:1.5rem 0 0}
.facts div{margin:0}
.facts dt{font-size:.84rem;color:var(--quiet);line-height:1.35}
.facts dd{margin:.1rem 0 0;font-size:1.16rem;line-height:1.35;font-variant-numeric:tabular-nums}
.facts dd small{display:block;font-size:.84rem;color:var(--quiet)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1.6rem 2.4rem;
align-items:start}
figure{margin:1rem 0 0;min-width:0}
figure>svg{display:block;width:100%;height:auto;max-width:34rem}
figcaption{font-size:.88rem;line-height:1.5;color:var(--quiet);margin:.6rem 0 0;max-width:34rem}
figcaption strong{color:var(--ink);font-weight:600}
.scroll{overflow-x:auto;max-width:100%;margin-top:1rem}
details>.scroll{margin-top:0}
table{border-collapse:collapse;width:100%;font-size:.92rem;line-height:1.4;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--quiet);font-size:.88rem;padding:0 0 .4rem}
th,td{padding:.42rem .8rem .42rem 0;text-align:right;vertical-align:baseline;border-bottom:1px solid var(--rule);
font-weight:400}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--quiet);font-size:.84rem;vertical-align:bottom;border-bottom-color:var(--quiet)}
th:first-child{text-align:left}
.wordy td,.wordy thead th{text-align:left}
td{white-space:nowrap}.wordy td{white-space:normal}
.models th:first-child{min-width:13rem}.models tbody th{padding-left:1.4rem;text-indent:-1.4rem}
.models th small{text-indent:0}
tr.chosen th,tr.chosen td{font-weight:600}
th small,td small{display:block;color:var(--quiet);font-weight:400;font-size:.84rem;line-height:1.35}
.swatch{display:inline-block;width:.95rem;height:.95rem;vertical-align:-.12rem;margin-right:.45rem}
ul.plain{padding-left:1.1rem;margin:.5rem 0}
ul.plain li{margin:.25rem 0;max-width:42rem}
code{font:.9em/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
pre{background:var(--panel);border-radius:.4rem;padding:.8rem 1rem;margin:.7rem 0;overflow-x:auto;font-size:.88rem}
pre code{font-size:1em;white-space:pre}
details{margin:.6rem 0 0;font-size:.93rem}
summary{cursor:pointer;color:var(--link);width:fit-content;font-size:.88rem}
details[open]>summary{margin-bottom:.5rem}
dl.terms{margin:0;columns:2 22rem;column-gap:2.4rem}
dl.terms div{break-inside:avoid;padding-top:.7rem}
dl.terms dt{font-weight:600}
dl.terms dd{margin:.1rem 0 0;max-width:42rem;color:var(--quiet)}
dl.lines{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.25rem 1.3rem;margin:.6rem 0;
font-size:.93rem}
dl.lines dt{color:var(--quiet)}
dl.lines dd{margin:0;min-width:0;overflow-wrap:anywhere}
.quiet{color:var(--quiet)}
footer{margin-top:4rem;padding-top:1rem;padding-bottom:3rem;color:var(--quiet);font-size:.88rem}
svg text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--ink);
font-variant-numeric:tabular-nums}
svg text.small{font-size:11.5px;fill:var(--quiet)}
svg text.strong{font-weight:600}
svg text{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.grid{stroke:var(--rule);stroke-width:1}
.zero{stroke:var(--quiet);stroke-width:1.2;stroke-dasharray:4 3}
.line,.interval{fill:none;stroke:var(--quiet);stroke-width:1.8}
.mark{stroke:var(--paper);stroke-width:1}
.mark.baseline{fill:var(--baseline)}.interval.baseline{stroke:var(--baseline)}
.mark.control{fill:var(--control)}.interval.control{stroke:var(--control)}
.mark.single{fill:var(--single)}.interval.single{stroke:var(--single)}
.mark.cocktail,.mark.valid{fill:var(--cocktail)}.interval.cocktail{stroke:var(--cocktail)}
.mark.ensemble{fill:var(--ensemble)}.interval.ensemble{stroke:var(--ensemble)}
.curve,.seed{fill:none;stroke-linejoin:round}
.curve{stroke-width:2.2}.seed{stroke-width:1;opacity:.28}
.train{stroke:var(--control);stroke-dasharray:6 3}.seed.train{stroke-dasharray:none}.valid{stroke:var(--cocktail)}
.mark.valid{stroke:var(--paper)}
.dot{fill:var(--cocktail);opacity:.5}.dot.control{fill:var(--control);opacity:.75}
.bar{fill:var(--cocktail)}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media (max-width:30rem){html{font-size:1rem}main,header,footer{padding-left:1rem;padding-right:1rem}
.verdict{gap:.2rem .8rem}.verdict .more{grid-column:1/-1}dl.lines{grid-template-columns:1fr;gap:0}
dl.lines dd{margin-bottom:.5rem}
.facts{grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr))}}
@media print{:root{color-scheme:light;--paper:#fff;--panel:#f5f5f2;--ink:#000;--quiet:#444;--rule:#bbb;--link:#000}
html{font-size:10pt}nav{display:none}main,header,footer{max-width:none;padding:0}h2{margin-top:1.6rem;
break-after:avoid}
figure,tr,.verdict{break-inside:avoid}pre{white-space:pre-wrap}pre code{white-space:pre-wrap}.scroll{overflow:visible}
details::details-content{content-visibility:visible;block-size:auto}summary{display:none}}
""".strip()
