"""What the lint says of the chosen recipe stands in the page, harmless whatever it holds."""

from __future__ import annotations

import sample_record

from wellfit.report.page import render


def test_findings_stand_beside_the_recipe():
    record = sample_record.record()
    assert "The lint" not in render(record)
    finding = {
        "code": "WF-L03",
        "level": "warning",
        "sentence": "A <b>softens</b> B.",
        "fix": "Keep one.",
        "source": "x",
    }
    page = render({**record, "lint": [finding]})
    assert '<a href="#WF-L03" class="code">WF-L03</a> warning A &lt;b&gt;softens&lt;/b&gt; B. Keep one.' in page
    assert render({**record, "lint": "nonsense"}) == render(record)
