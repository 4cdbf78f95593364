"""The table, for people and for docs/INTEROP.md."""

from . import install, steps

PAGE = install.ROOT / "docs" / "INTEROP.md"
BEGIN, END = "<!-- payments: begin -->", "<!-- payments: end -->"
COLUMNS = ["buyer", "seller", "facilitator", "scheme", "authorizer", "node", "step", "result", "why"]


def text(cells):
    rows = [{column: column for column in COLUMNS}, *(cell.row() for cell in cells)]
    widths = {column: max(len(row[column]) for row in rows) for column in COLUMNS}
    lines = (" | ".join(row[column].ljust(widths[column]) for column in COLUMNS) for row in rows)
    return "\n".join(line.rstrip(" |") for line in lines)


def write(cells):
    """Between the marks of the page: a table a scheme, with a column for each step."""
    lines, reasons = [], []
    for scheme, names in steps.STEPS.items():
        of_scheme = [cell for cell in cells if cell.pair.scheme == scheme]
        if not of_scheme:
            continue
        columns = ["buyer", "seller", "facilitator", "chain", *(step.__name__.replace("_", " ") for step in names)]
        lines += [f"Scheme `{scheme}`:", "", row(columns), row(["---"] * len(columns))]
        for pair, of in by_pair(of_scheme):
            lent = ", lends its key" if pair.authorizer == "lent" else ""
            results = [result(cell, reasons) for cell in of]
            lines.append(row([pair.buyer, pair.seller, pair.facilitator + lent, pair.node, *results]))
        lines.append("")
    lines += [f"{number}. {why}" for number, why in enumerate(reasons, 1)] 
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(before + BEGIN + "\n\n" + "\n".join(lines) + "\n" + END + after)


def row(columns):
    return "| " + " | ".join(columns) + " |"


def result(cell, reasons):
    """What a cell says: ok, or the number of the reason why not."""
    if cell.verdict == "ok":
        return "ok"
    if cell.why not in reasons:
        reasons.append(cell.why)
    return f"no ({reasons.index(cell.why) + 1})"


def by_pair(cells):
    found = {}
    for cell in cells:
        found.setdefault(cell.pair, []).append(cell)
    return found.items()
