"""The look of the page: one style sheet, light and dark, narrow and wide, screen and paper."""

from __future__ import annotations

# Colors are Okabe & Ito's (2008), which people with any color vision can tell apart; text has darker (on light) or
# lighter (on dark) forms of them, with a contrast of 4.5 and more.
LIGHT = """
--paper:#fcfcfa;--panel:#f4f3ef;--ink:#1b1f24;--quiet:#565e67;--rule:#dddcd5;--link:#005c94;
--baseline:#6a7178;--control:#d55e00;--single:#a2528a;--cocktail:#0072b2;--ensemble:#00805e;
--good:#00694d;--flat:#4f5962;--bad:#a84800;--part:#7a5c00;--low:#0072b2;--high:#d55e00
""".strip().replace("\n", "")

DARK = """
--paper:#14171a;--panel:#1c2024;--ink:#e6e8ea;--quiet:#a6aeb6;--rule:#343a40;--link:#7cc4f0;
--baseline:#a3abb3;--control:#f08a3c;--single:#dd94c2;--cocktail:#56b4e9;--ensemble:#2fc79c;
--good:#43d0a6;--flat:#b4bcc4;--bad:#f59a55;--part:#e5bf3f;--low:#56b4e9;--high:#f08a3c
""".strip().replace("\n", "")

PAPER = "--paper:#fff;--ink:#000;--quiet:#444;--rule:#bbb;--link:#000"

_PAGE = """
*{box-sizing:border-box}
html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper)}
main,header,footer{max-width:58rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.4rem}
header p{margin:.25rem 0 0;color:var(--quiet);overflow-wrap:anywhere}
header .kicker{margin:0;font-size:.84rem}
h1{font-size:1.5rem;font-weight:650;line-height:1.25;margin:0;letter-spacing:-.012em;overflow-wrap:anywhere}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;margin:1.1rem 0 0;padding:0;font-size:.9rem}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--paper);padding:.3rem .6rem}
footer{margin-top:4rem;padding-top:1rem;padding-bottom:3rem;color:var(--quiet);font-size:.88rem}
footer p{max-width:none}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media (min-width:84rem){body{display:grid;grid-template-columns:15rem minmax(0,58rem);column-gap:3rem;
justify-content:center;padding:0 2rem}
header{grid-column:1;grid-row:1/3;position:sticky;top:0;align-self:start;max-height:100vh;overflow-y:auto;margin:0;
padding:2.6rem 0 1.5rem;width:100%}
header h1{font-size:1.15rem}
header p{font-size:.88rem}
nav ul{flex-direction:column;gap:.1rem;margin-top:1.6rem;padding-top:1.4rem;border-top:1px solid var(--rule)}
nav a{display:block;padding:.12rem 0}
main,footer{grid-column:2;padding:0;width:100%}
main{padding-top:2.4rem}
section:first-of-type .verdict{margin-top:0}}
@media (max-width:30rem){html{font-size:1rem}main,header,footer{padding-left:1rem;padding-right:1rem}}
@media print{html{font-size:9.5pt}nav,.skip{display:none}main,header,footer{max-width:none;padding:0}
header{position:static;padding:0}body{display:block;padding:0}
footer{margin-top:2rem;padding-bottom:0}
@page{margin:16mm 15mm}}
"""

_CONTENT = """
.wellfit{color:var(--ink);
font:1.0625rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
overflow-wrap:break-word;font-variant-ligatures:none}
h2{font-size:1.38rem;font-weight:650;line-height:1.3;margin:3.6rem 0 .8rem;letter-spacing:-.012em}
h3{font-size:1rem;font-weight:650;margin:1.9rem 0 .4rem}
p{margin:.6rem 0;max-width:42rem}
a{color:var(--link);text-underline-offset:.2em;text-decoration-thickness:1px}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.verdict{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.2rem 1.2rem;align-items:start;margin:2rem 0 0;
padding:1.5rem 0 0;border-top:3px solid currentColor}
.verdict>div+div{color:var(--ink)}
.verdict svg{display:block;width:3rem;height:3rem}
.verdict h2{margin:0;font-size:1.8rem;letter-spacing:-.02em}
.verdict .sentence{font-size:1.12rem;line-height:1.5;margin:.4rem 0 0}
.level-good{color:var(--good)}.level-flat{color:var(--flat)}.level-bad{color:var(--bad)}.level-part{color:var(--part)}
.badge-fill{fill:currentColor}.badge-line{fill:none;stroke:var(--paper);stroke-width:2.4;stroke-linecap:round;
stroke-linejoin:round}
.swing{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,13rem),1fr));gap:1.2rem 2rem;
margin:1.7rem 0 0;padding:1.2rem 0;border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}
.swing dt{font-size:.88rem;color:var(--quiet)}
.swing dd{margin:.1rem 0 0;font-variant-numeric:tabular-nums}
.swing b{display:block;font-size:2.3rem;font-weight:600;line-height:1.2;letter-spacing:-.03em}
.swing small{display:block;font-size:.84rem;line-height:1.45;color:var(--quiet)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:1rem 2rem;margin:1.2rem 0}
.facts dt{font-size:.84rem;color:var(--quiet);line-height:1.35}
.facts dd{margin:.1rem 0 0;line-height:1.35;font-variant-numeric:tabular-nums}
.facts dd small{display:block;font-size:.84rem;color:var(--quiet)}
.aside,.finding{background:var(--panel);border-radius:.35rem;padding:.8rem 1rem;margin:1.2rem 0 0}
.aside p,.finding p{margin:.15rem 0}
.tag{font-size:.84rem;color:var(--quiet);margin-left:.6rem}
.code{font-weight:600;text-decoration:none}
a.code:hover{text-decoration:underline}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1.6rem 2.6rem;
align-items:start}
figure{margin:1.2rem 0 0;min-width:0}
figure>svg{display:block;width:100%;height:auto;max-width:29rem;overflow:visible}
figcaption{font-size:.88rem;line-height:1.5;color:var(--quiet);margin:.6rem 0 0;max-width:34rem}
figcaption strong,.quiet strong{color:var(--ink);font-weight:600}
.scroll{overflow-x:auto;max-width:100%;margin-top:1rem}
details>.scroll{margin-top:0}
.broad{min-width:40rem}
.broad svg{display:block;width:100%;height:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem;line-height:1.4;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--quiet);font-size:.88rem;padding:0 0 .4rem}
th,td{padding:.45rem .9rem .45rem 0;text-align:right;vertical-align:baseline;border-bottom:1px solid var(--rule);
font-weight:400}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--quiet);font-size:.84rem;vertical-align:bottom;border-bottom-color:var(--quiet)}
th:first-child{text-align:left}
.wordy td,.wordy thead th{text-align:left}
td{white-space:nowrap}.wordy td{white-space:normal;min-width:7rem}
.wordy td:last-child{min-width:13rem}
.models th:first-child{min-width:12rem;padding-left:.6rem}.models tr>:last-child{padding-right:.6rem}
.models tbody th:first-child{padding-left:2rem;text-indent:-1.4rem}
.models th small{text-indent:0}
tr.chosen th,tr.chosen td{font-weight:600}
tr.before th,tr.before td,tr.chosen th,tr.chosen td{background:var(--panel)}
th small,td small{display:block;color:var(--quiet);font-weight:400;font-size:.84rem;line-height:1.35}
del{color:var(--quiet)}
.swatch{display:inline-block;width:.95rem;height:.95rem;vertical-align:-.12rem;margin-right:.45rem}
ul.plain{padding-left:1.1rem;margin:.4rem 0}
ul.plain li{margin:.25rem 0;max-width:42rem}
code{font:.9em/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;overflow-wrap:anywhere}
pre{background:var(--panel);border-radius:.35rem;padding:.8rem 1rem;margin:.7rem 0;overflow-x:auto;font-size:.88rem}
pre code{font-size:1em;white-space:pre;overflow-wrap:normal}
.whole{user-select:all;-webkit-user-select:all}
details{margin:.6rem 0 0;font-size:.93rem}
summary{cursor:pointer;color:var(--link);width:fit-content;font-size:.88rem}
details[open]>summary{margin-bottom:.5rem}
dl.terms{margin:0;columns:2 22rem;column-gap:2.6rem}
dl.terms div{break-inside:avoid;padding-top:.7rem}
dl.terms dt{font-weight:600}
dl.terms dd{margin:.1rem 0 0;max-width:42rem;color:var(--quiet)}
dl.lines{display:grid;grid-template-columns:minmax(6rem,max-content) minmax(0,1fr);gap:.25rem 1.3rem;margin:.6rem 0;
font-size:.93rem}
dl.lines dt{color:var(--quiet)}
dl.lines dd{margin:0;min-width:0;overflow-wrap:anywhere}
.quiet{color:var(--quiet);font-size:.93rem}
progress{width:100%;height:.6rem;accent-color:var(--part)}
@media (max-width:30rem){.verdict{gap:.2rem .8rem}.verdict svg{width:2.2rem;height:2.2rem}.verdict h2{font-size:1.45rem}
.verdict .sentence{grid-column:1/-1;font-size:1.05rem}
dl.lines{grid-template-columns:minmax(0,1fr);gap:0}dl.lines dd{margin-bottom:.5rem}
.facts{grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr))}.swing b{font-size:2rem}}
@media print{h2{margin-top:1.6rem}h2,h3,h2+p,h3+p{break-after:avoid}
figure,tr,.verdict,.swing,.finding{break-inside:avoid}pre code{white-space:pre-wrap;overflow-wrap:anywhere}
.scroll{overflow:visible}.broad{min-width:0}
.pair{grid-template-columns:1fr 1fr;gap:1rem 1.6rem}
figure details{display:none}
table{font-size:.86rem}th,td{padding:.25rem .5rem .25rem 0}.wordy td,.wordy td:last-child{min-width:0}
details::details-content{content-visibility:visible;block-size:auto}summary{display:none}}
"""

_FIGURES = """
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--ink);
font-variant-numeric:tabular-nums;paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
svg text.small{font-size:11px;fill:var(--quiet)}
svg text.cell{font-size:11px;stroke:none}
svg text.ink{fill:var(--ink)}
svg text.strong{font-weight:600}
svg text.gone{text-decoration:line-through;fill:var(--quiet);stroke:none}
@media (max-width:30rem){svg text{font-size:13px}svg text.small,svg text.cell{font-size:12px}}
.grid{stroke:var(--rule);stroke-width:1}
.axis{stroke:var(--quiet);stroke-width:1}
.zero{stroke:var(--quiet);stroke-width:1.2;stroke-dasharray:4 3}
.drop{stroke:var(--quiet);stroke-width:1;stroke-dasharray:2 3}
.line,.interval{fill:none;stroke:var(--quiet);stroke-width:1.8}
.whisker{stroke:var(--ink);stroke-width:1.4}
.mark{stroke:var(--paper);stroke-width:1}
.mark.baseline{fill:var(--baseline)}.interval.baseline{stroke:var(--baseline)}
.mark.control{fill:var(--control)}.interval.control{stroke:var(--control)}
.mark.single{fill:var(--single)}.interval.single{stroke:var(--single)}
.mark.cocktail,.mark.valid{fill:var(--cocktail)}.interval.cocktail{stroke:var(--cocktail)}
.mark.ensemble{fill:var(--ensemble)}.interval.ensemble{stroke:var(--ensemble)}
.mark.onset{fill:var(--control)}.mark.stop{fill:none;stroke:var(--ink);stroke-width:1.6}
.curve{fill:none;stroke-width:2.2;stroke-linejoin:round}
.curve.train{stroke:var(--control);stroke-dasharray:6 3}.curve.valid{stroke:var(--cocktail)}
.band{stroke:none;fill-opacity:.18}
.band.train{fill:var(--control)}.band.valid{fill:var(--cocktail)}
.dot{fill:var(--cocktail);opacity:.5}.dot.control{fill:var(--control);opacity:.75}
.bar{fill:var(--cocktail)}.bar.faint{fill-opacity:.35}.count{fill:var(--quiet);fill-opacity:.28}
.thread{fill:none;stroke:var(--quiet);stroke-width:1;opacity:.2}
.thread.good{stroke:var(--cocktail);stroke-width:1.4;opacity:.7}
.thread.first{stroke:var(--control);stroke-width:2.8;opacity:1}
.heat{fill:var(--panel)}
.heat.none{fill:none;stroke:var(--rule)}
@@HEAT@@
"""


def _heat() -> str:
    """Five shades on each side: under the strongest, words still have a contrast of 4.5."""
    sides = [(tone, level) for tone in ("low", "high") for level in range(1, 6)]
    return "".join(
        f".heat.{tone}-{level}{{fill:var(--{tone});fill-opacity:{level * 0.1:.1f}}}" for tone, level in sides
    )


_BODY = _CONTENT + _FIGURES.replace("@@HEAT@@", _heat())

STYLE = (
    f":root{{color-scheme:light dark;{LIGHT}}}\n"
    f"@media (prefers-color-scheme:dark){{:root{{{DARK}}}}}\n"
    f"@media print{{:root{{color-scheme:light;{LIGHT};{PAPER}}}}}\n"
    f"{_PAGE.strip()}\n{_BODY.strip()}"
)
"""The style sheet of the page."""
