"""Is a piece of HTML well formed?"""

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "wbr", "hr", "img"}


class Checker(HTMLParser):
    """Every tag closed in turn; collects ids, links and the text of headings."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.errors = [], [], [], []
        self.feed(text)
        self.errors += [f"<{tag}> stays open" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[k] for k in ("href", "src", "xlink:href", "srcset") if k in found]
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.errors.append(f"</{tag}> at {self.getpos()} closes {self.open[-1:]}")
        elif self.open:
            self.open.pop()
