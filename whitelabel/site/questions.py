"""Asking before something that can't be undone: as a page of its own, or as a dialog where htmx asks for it."""

from dataclasses import dataclass

from flask import render_template, request

from whitelabel.site.requests import wants_part


@dataclass(frozen=True, slots=True)
class Question:
    """What will happen, in the person's words; `back` is where "no" leads."""

    title: str
    text: str
    button: str
    back: str
    dangerous: bool = False

    @property
    def answered(self) -> bool:
        """True when the person pressed the button: only a POST (with its CSRF token) says yes."""
        return request.method == "POST"


def ask(question: Question) -> str:
    """The page or dialog with the question; its form posts to the very address that asked."""
    return render_template(
        "ask_part.html" if wants_part() else "ask.html", question=question, action=request.path
    )
