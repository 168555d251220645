"""Finds opposite words in two questions, which then differ in meaning."""

from functools import cache

from .stems import stem

# Each line is a pair of opposites; the words of one side mean the same. They are base forms, as
# stems are compared. Opposites by prefix or suffix (un-, dis-, in-/ex-, -ful/-less) have a rule.
_OPPOSITES = """
enable activate allow permit on : disable deactivate forbid ban block prohibit deny off
increase raise grow rise gain expand extend : decrease lower reduce shrink fall drop lose shorten
raise : cut
start begin launch resume open : stop end finish pause close
open : shut
add insert include attach join : remove delete exclude detach leave
create build make : delete destroy remove
upload : download
encrypt : decrypt
encode : decode
push : pull
read : write
buy purchase : sell
send : receive
borrow : lend
accept approve grant : reject decline refuse deny
agree : disagree refuse
lock : unlock
connect : disconnect
install : remove
show reveal display : hide conceal
save keep store : delete discard spend waste
keep : cancel
renew continue subscribe : cancel
pass succeed win : fail lose
success : failure
arrive land enter come : depart leave exit go
departure : arrival
lend : borrow
earn : spend
deposit : withdraw
credit : debit
freeze : melt thaw
heat warm : cool chill
hire employ : fire dismiss sack
remember : forget
attack : defend
fix : cause
cause : prevent cure treat
help : harm hurt
follow : ignore
in into inside within : out outside
with : without
up : down
left : right
over above : under below beneath
more most : less least fewer fewest
before : after
earlier early : later late
first : last
next : previous last
best better good : worst worse bad
highest higher high tall : lowest lower low short
biggest bigger big largest larger large : smallest smaller small tiny
longest longer long : shortest shorter short
oldest older old : newest newer new latest youngest younger young
fastest faster fast quick : slowest slower slow
hottest hotter hot warm : coldest colder cold cool
cheapest cheaper cheap : costliest expensive dear
easiest easier easy simple : hardest harder hard difficult complex
heaviest heavier heavy : lightest lighter light
strongest stronger strong : weakest weaker weak
richest rich : poorest poor
thick : thin
wide broad : narrow
deep : shallow
wet : dry
clean : dirty
safe : unsafe dangerous risky harmful
same similar alike : different
true correct right : false wrong incorrect
public : private
free : paid
positive : negative
maximum most max : minimum least min
advantage benefit pro upside strength : disadvantage drawback con downside weakness risk
ascending : descending
input : output
internal : external
domestic home : international abroad foreign overseas
indoor : outdoor
import : export
gross : net
full : empty part
online digital : paper
give : take
import : export
like love : dislike hate
single : double return joint married
single individual : multiple
temporary : permanent
fixed : variable
optional voluntary : mandatory compulsory required
manual : automatic
alive : dead
male man boy father husband son brother : female woman girl mother wife daughter sister
parent : child
adult grownup senior : child kid infant baby toddler teenager
employee : employer
landlord : tenant
buyer : seller
teacher : student
sender : recipient receiver
lender : borrower
winner : loser
ancestor : descendant
day daytime : night overnight
ancient : modern
vertical : horizontal
front : back rear
top : bottom
inbound : outbound
always : never
hardware : software
asset : liability
profit : loss
supply : demand
cause : effect
theory : practice
war : peace
sunrise : sunset
economy : business
undergraduate : postgraduate graduate
"""

# A question has one member of a set: with another member, it is another question.
_SETS = """
red blue green yellow black white brown pink purple grey gray orange
north south east west
northern southern eastern western
spring summer autumn winter
morning afternoon evening night noon midnight
breakfast lunch dinner
hourly daily weekly fortnightly monthly quarterly yearly annual
dollar euro pound yen rupee franc
small medium large
bronze silver gold platinum
python java javascript typescript rust golang ruby php swift kotlin scala perl
windows macos linux android ios
"""

# A word with the first prefix is the opposite of the same word with the second.
_NEGATIVE = ("un", "dis", "de", "in", "im", "il", "ir", "non", "anti", "self")
_PREFIXES = (
    *(("", prefix) for prefix in _NEGATIVE),
    ("in", "ex"),
    ("im", "ex"),
    ("in", "out"),
    ("in", "de"),
    ("en", "de"),
    ("en", "dis"),
    ("as", "des"),
    ("ac", "de"),
    ("at", "de"),
    ("pro", "de"),
    ("on", "off"),
    ("up", "down"),
    ("over", "under"),
    ("pre", "post"),
    ("under", "post"),
    ("max", "min"),
    ("inter", "intra"),
    ("hyper", "hypo"),
    ("macro", "micro"),
)
_SHORTEST_REST = 3


@cache
def _poles() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    lines = (line.split(":") for line in _OPPOSITES.strip().splitlines())
    return tuple(
        (frozenset(map(stem, left.split())), frozenset(map(stem, right.split())))
        for left, right in lines
    )


@cache
def _members() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(map(stem, line.split())) for line in _SETS.strip().splitlines())


def opposed(ours: set[str], theirs: set[str]) -> bool:
    """Returns whether words of only one question are opposites of words of only the other.

    Args:
        ours: the words, with their stems, that only one question has.
        theirs: the words, with their stems, that only the other question has.
    """
    return (
        any(
            (left & ours and right & theirs) or (right & ours and left & theirs)
            for left, right in _poles()
        )
        or any(members & ours and members & theirs for members in _members())
        or any(_by_prefix(one, other) or _by_prefix(other, one) for one in ours for other in theirs)
    )


def _by_prefix(one: str, other: str) -> bool:
    if one.removesuffix("ful") == other.removesuffix("les") and one.endswith("ful"):
        return True
    for first, second in _PREFIXES:
        # A short word without a prefix is contained in too many other words.
        least = _SHORTEST_REST if first else _SHORTEST_REST + 1
        rest = one.removeprefix(first)
        if one.startswith(first) and len(rest) >= least and other == second + rest:
            return True
    return False
