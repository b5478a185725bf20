"""What each type would look like in the tissue, and which groups of the tissue no type explains.

Platforms favour other genes, and a segmented cell holds transcripts of its neighbours. So a type's profile p_t in the
reference is expected in the tissue as

    q_t = (1 - b) . e p_t / sum(e p_t) + b . m,

e an efficiency per gene (RCTD's platform effect: Cable et al. 2022), b the background's share, m the middle of the
tissue: the mean of its groups' profiles, so that no group is near it for being large. RCTD finds e from the sum over
the tissue and a composition of known types; where types are missing, their markers would raise e until nothing looks
strange. Here e starts as the ratio of medians over groups and over types, which some missing types hardly move, and
is then mended by the groups that fit their type best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.datasets.naming.counterparts.groups import Floats, Groups, voices

LIMIT = 0.8  # of what sets a group apart from the middle, a type must explain at least a fifth
LEAST_OWN = 0.1  # nats per count: a group nearer to the middle than this is not far from anything
BACKGROUNDS = np.arange(0.0, 0.91, 0.1)
_SOFT_COUNTS = 3.0  # added before a logarithm of counts of a group
_SOFT_START, _SOFT_SHARE = 0.1, 0.02  # of a gene's largest share in any type, added before a logarithm
_SOFT_FLOOR = 0.03  # and this part of an even share: what the reference never shows gets no huge efficiency
_FIT_WIDTH = 0.05  # how much worse than its type's best group a group may fit and still be heard
_PASSES = 3
_DOUBTED_FROM = 0.5  # log ratio at which a gene counts half
_SURE_COUNTS = 10.0  # expected of a gene in a group, from where on its word counts in full


@dataclass(frozen=True)
class Match:
    """efficiency: genes, log. background: the share b of the groups that fit. spread: sd of the log ratios that the
    efficiency leaves, among genes and groups that fit. middle: genes, the mean of the groups' profiles. nearest,
    distance, by group: the type that explains most, and the share of the group's divergence from the middle that it
    leaves unexplained."""

    efficiency: Floats
    background: float
    spread: float
    middle: Floats
    nearest: NDArray[np.intp]
    distance: Floats

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Groups that no type explains."""
        return np.asarray(self.distance > LIMIT)

    def expected(self, shares: Floats) -> Floats:
        """types x genes as the tissue would show them, from `shares` in the reference."""
        return (1 - self.background) * _bend(shares, self.efficiency) + self.background * self.middle


def match(groups: Groups, shares: Floats) -> Match:
    """shares: types x genes, mean profiles in the reference over the same genes."""
    efficiency = _first_efficiency(groups, shares)
    found, backgrounds = _nearest(groups, shares, efficiency)
    votes, weights = _votes(groups, shares, found, backgrounds)
    efficiency = (efficiency + _centred(weighted_median(votes, weights), groups.middle)) / 2  # half way: it holds back
    found, backgrounds = _nearest(groups, shares, efficiency)
    fits = ~found.lost if (~found.lost).any() else np.ones(len(found.distance), dtype=bool)
    sizes = np.bincount(groups.group, minlength=len(groups.counts))
    background = float(np.median(np.repeat(backgrounds[fits], sizes[fits])))
    votes, weights = _votes(groups, shares, found, backgrounds)
    off, heard = votes[fits] - efficiency, weights[fits]
    off -= np.average(off, axis=1, weights=heard)[:, None]
    spread = 1.4826 * float(weighted_median(np.abs(off).reshape(-1, 1), heard.reshape(-1, 1))[0])
    return replace(found, background=background, spread=spread)


def agree(groupings: Sequence[Groups], shares: Floats) -> list[Match]:
    """A match for each of several groupings of the same cells, with the efficiency that is the median of what each
    alone would find: one grouping may by chance put a missing type beside a known one."""
    alone = [match(groups, shares) for groups in groupings]
    efficiency = np.median([found.efficiency for found in alone], axis=0)
    background, spread = (float(np.median([getattr(found, of) for found in alone])) for of in ("background", "spread"))
    together = [_nearest(groups, shares, efficiency)[0] for groups in groupings]
    return [replace(found, background=background, spread=spread) for found in together]


def _first_efficiency(groups: Groups, shares: Floats) -> Floats:
    """From medians over the kinds of groups and of types: a gene that few of them express does not move these."""
    total = groups.counts.sum(axis=1, keepdims=True)
    shown = np.log((groups.counts + _SOFT_COUNTS) / (total + _SOFT_COUNTS / groups.middle))
    known = _softened(shares, _SOFT_START)
    of_groups = weighted_median(shown, np.tile(voices(groups.profiles)[:, None], shown.shape[1]))
    alike = voices(known / known.sum(axis=1, keepdims=True))
    of_types = weighted_median(np.log(known), np.tile(alike[:, None], shown.shape[1]))
    return _centred(of_groups - of_types, groups.middle)


def _nearest(groups: Groups, shares: Floats, efficiency: Floats) -> tuple[Match, Floats]:
    """The type that leaves least of each group unexplained, at the background that suits it; and that background.

    After a first pass genes count less on which even the best-fitting groups of the types contradict each other: they
    vary with something else, such as the field of view."""
    pure, profiles, middle = _bend(shares, efficiency), groups.profiles, groups.middle
    trust = np.ones(len(middle))
    for _ in range(_PASSES):
        left = np.stack([_divergence(profiles, (1 - b) * pure + b * middle, trust) for b in BACKGROUNDS])
        own = np.maximum(_divergence(profiles, middle[None], trust)[:, 0], LEAST_OWN)
        nearest = left.min(axis=0).argmin(axis=1)
        of_nearest = left[:, np.arange(len(nearest)), nearest]
        distance, background = of_nearest.min(axis=0) / own, BACKGROUNDS[of_nearest.argmin(axis=0)]
        seen = [np.flatnonzero(nearest == t)[distance[nearest == t].argmin()] for t in np.unique(nearest)]
        expected = (1 - background[seen, None]) * pure[nearest[seen]] + background[seen, None] * middle
        off = np.median(np.abs(np.log(profiles[seen] / expected)), axis=0)
        trust = 1 / (1 + (off / _DOUBTED_FROM) ** 2)
    return Match(efficiency, 0.0, 0.0, middle, nearest, distance), background


def _divergence(found: Floats, expected: Floats, trust: Floats) -> Floats:
    """Poisson divergence of each profile found from each expected, in nats per count, genes weighted by trust."""
    itself = (found * np.log(found) - found) @ trust
    return np.asarray(itself[:, None] - (found * trust) @ np.log(expected).T + expected @ trust)


def _votes(groups: Groups, shares: Floats, found: Match, backgrounds: Floats) -> tuple[Floats, Floats]:
    """What each group says of each gene's log efficiency, and how much that counts: groups x genes each. Heard are the
    groups that fit about as well as any of their type, on the genes that their type expresses."""
    distance, nearest = found.distance, found.nearest
    best = np.array([distance[nearest == t].min(initial=np.inf) for t in range(len(shares))])
    fit = np.clip(1 - distance, 0.02, 1.0) ** 2 * np.exp((best[nearest] - distance) / _FIT_WIDTH)
    total = groups.counts.sum(axis=1, keepdims=True)
    pure = _softened(shares, _SOFT_SHARE)[nearest]
    net = np.maximum(groups.profiles - backgrounds[:, None] * groups.middle, 0.0) * total
    expected = (1 - backgrounds)[:, None] * total * pure / pure.sum(axis=1, keepdims=True)
    weights = fit[:, None] * pure * expected / (expected + _SURE_COUNTS) + 1e-12
    return np.log((net + 1) / (expected + 1)), weights


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """Of each column."""
    order = np.argsort(values, axis=0, kind="stable")
    ranked, heard = (np.take_along_axis(table, order, axis=0) for table in (values, weights))
    reached = np.cumsum(heard, axis=0) >= heard.sum(axis=0) / 2
    return np.asarray(ranked[reached.argmax(axis=0), np.arange(values.shape[1])])


def _bend(shares: Floats, efficiency: Floats) -> Floats:
    bent = _softened(shares, _SOFT_SHARE) * np.exp(efficiency)
    return np.asarray(bent / bent.sum(axis=1, keepdims=True))


def _softened(shares: Floats, part: float) -> Floats:
    """A gene unseen in a type is not impossible in it."""
    return np.asarray(shares + part * shares.max(axis=0) + _SOFT_FLOOR / shares.shape[1])


def _centred(efficiency: Floats, middle: Floats) -> Floats:
    """Only ratios of efficiencies mean anything."""
    return np.asarray(efficiency - np.average(efficiency, weights=middle))
