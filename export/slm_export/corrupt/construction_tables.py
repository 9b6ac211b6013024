"""Words of the constructions that learners get wrong, written for this project from common usage guides' headings."""

from __future__ import annotations

OBJECT_OF: dict[str, str] = {"i": "me", "he": "him", "she": "her", "we": "us", "they": "them", "you": "you"}
SUBJECT_OF: dict[str, str] = {instead: subject for subject, instead in OBJECT_OF.items()}
# Verbs after which an adjective stands.
LINKING: frozenset[str] = frozenset(
    f"{verb}{end}" for verb in ("feel", "look", "smell", "taste", "sound", "seem") for end in ("", "s")
) | {"felt", "looked", "smelled", "tasted", "sounded", "seemed"}
# Verbs with an object and an infinitive: I want you to come.
WANTING: frozenset[str] = frozenset({"want", "need", "expect", "like", "prefer"})
AFTER_GERUND_VERBS: frozenset[str] = frozenset(
    {"enjoy", "avoid", "finish", "keep", "mind", "consider", "practice", "miss", "risk", "admit", "deny", "quit", "suggest"}
    | {"imagine", "dislike", "resist", "recommend", "involve"}
)
AFTER_INFINITIVE_VERBS: frozenset[str] = frozenset(
    {"want", "decide", "hope", "plan", "promise", "refuse", "agree", "offer", "manage", "expect", "afford", "choose", "fail"}
    | {"wish", "intend", "learn", "pretend", "deserve"}
)
# Word and the preposition that belongs to it → what is written instead; "" leaves it out. Verbs stand in their base form.
COLLOCATIONS: dict[str, tuple[str, ...]] = {
    "married to": ("with", "with"),
    "interested in": ("on", "about", "for", "by"),
    "good at": ("in", "in", "on"),
    "bad at": ("in", "on"),
    "depend on": ("of", "of", "from", "in"),
    "arrive at": ("to", "to", "in"),
    "arrive in": ("to", "to", "at"),
    "consist of": ("in", "from", "by"),
    "listen to": ("", "", "at"),
    "wait for": ("", "to", "on"),
    "look at": ("", "to", "on"),
    "look for": ("", "after"),
    "pay for": ("", "to"),
    "belong to": ("", "for", "with"),
    "different from": ("of", "with", "to"),
    "similar to": ("with", "as", "like"),
    "afraid of": ("from", "about"),
    "responsible for": ("of", "to", "about"),
    "according to": ("with", "by", ""),
    "familiar with": ("to", "of"),
    "agree with": ("to", "on", ""),
    "participate in": ("to", "on", "at", ""),
    "succeed in": ("to", "at", "on"),
    "proud of": ("for", "about", "with"),
    "full of": ("with", "by", "from"),
    "tired of": ("from", "with"),
    "reason for": ("of", "to"),
    "solution to": ("of", "for"),
    "because of": ("", "for"),
    "instead of": ("", "from"),
    "explain to": ("",),
    "think about": ("in", "at", "on"),
    "think of": ("in", "to"),
    "dream of": ("with", "to"),
    "capable of": ("to", "for"),
    "aware of": ("about", "from", ""),
    "based on": ("in", "at", "of"),
    "focus on": ("in", "at", "to"),
    "concentrate on": ("in", "at"),
    "insist on": ("in", "to"),
    "rely on": ("in", "to", "of"),
    "believe in": ("on", "at"),
    "result in": ("on", "to"),
    "apply for": ("to", ""),
    "apply to": ("for", "on"),
    "ask for": ("", "to"),
    "thank for": ("of",),
    "prefer to": ("than", "over"),
    "suffer from": ("of", "with", "by"),
    "prevent from": ("to", "of"),
    "protect from": ("of",),
    "worry about": ("for", "of"),
    "worried about": ("for", "of", "with"),
    "angry with": ("to", "on", "of"),
    "excited about": ("of", "with", "for"),
    "famous for": ("of", "by", "with"),
    "ready for": ("to", "of"),
    "sorry for": ("of", "to"),
    "kind of": ("for",),
    "care about": ("of", "for"),
    "hear of": ("", "from"),
    "hear from": ("of",),
    "laugh at": ("of", "on", "about"),
    "complain about": ("of", "for", "on"),
    "talk to": ("", "at"),
    "speak to": ("", "at"),
    "search for": ("", "of"),
    "point at": ("", "on"),
    "smile at": ("to", ""),
    "reply to": ("", "at"),
    "refer to": ("", "at", "on"),
    "lead to": ("", "in"),
    "happen to": ("with", ""),
    "addicted to": ("with", "of", "on"),
    "related to": ("with", "of"),
    "compared to": ("of", "then"),
    "satisfied with": ("of", "from", "about"),
    "provide with": ("", "by"),
    "deal with": ("", "to", "about"),
    "spend on": ("for", "in"),
    "increase in": ("of", "on"),
    "decrease in": ("of", "on"),
    "impact on": ("to", "in"),
    "effect on": ("to", "in", "for"),
    "influence on": ("to", "for"),
    "interest in": ("on", "for", "about"),
    "attention to": ("on", "for", "at"),
    "access to": ("of", "for", ""),
    "damage to": ("of", "on"),
    "advantage of": ("from", "to"),
    "lack of": ("", "in", "about"),
    "need for": ("of", "to"),
    "demand for": ("of", "to"),
    "at night": ("in", "on"),
    "on foot": ("by", "in"),
    "at home": ("in", "on"),
    "on time": ("at",),
    "at least": ("in", "on"),
    "in general": ("on", "at"),
    "on purpose": ("by", "with"),
    "by mistake": ("for", "with"),
    "by car": ("with", "on"),
    "by bus": ("with", "on"),
    "in fact": ("on", "at"),
    "in front": ("on", "at"),
}
# Verbs with a plain object → prepositions that are put between.
TRANSITIVE: dict[str, tuple[str, ...]] = {
    "discuss": ("about", "about", "on"),
    "marry": ("with", "to"),
    "enter": ("into", "to", "in"),
    "reach": ("to", "at"),
    "contact": ("with", "to"),
    "answer": ("to",),
    "request": ("for",),
    "lack": ("of", "in"),
    "emphasize": ("on",),
    "resemble": ("to", "with"),
    "approach": ("to",),
    "mention": ("about",),
    "join": ("to", "with", "in"),
    "face": ("with", "to"),
    "affect": ("to", "on"),
    "describe": ("about",),
    "visit": ("to", "in"),
    "phone": ("to",),
    "tell": ("to",),
    "meet": ("with", "to"),
    "follow": ("to", "after"),
    "obey": ("to",),
    "accompany": ("with",),
    "influence": ("on", "to"),
    "attend": ("to", "at", "in"),
    "study": ("about",),
    "investigate": ("about", "on"),
    "consider": ("about",),
    "ask": ("to",),
    "help": ("to",),
    "call": ("to",),
}
# What an indirect question follows: I know where …
ASKING: frozenset[str] = frozenset(
    {"know", "knows", "knew", "known", "wonder", "wonders", "wondered", "wondering", "ask", "asks", "asked", "asking", "tell"}
    | {"tells", "told", "understand", "understands", "understood", "explain", "explains", "explained", "remember", "remembered"}
    | {"see", "saw", "show", "shows", "showed", "say", "said", "sure", "idea", "learn", "discover", "discovered", "imagine"}
    | {"guess", "find", "about", "of", "on", "out", "me", "him", "her", "us", "them", "describe", "describes", "understanding"}
)
