"""Whitening: spherize, and typical variation normalization.

References
----------
Kessy, Lewin, Strimmer (2018), Optimal whitening and decorrelation, arXiv:1512.00809: ZCA, PCA and
their variants on correlations. Chen, Wiesel, Eldar, Hero (2010), Shrinkage algorithms for MMSE
covariance estimation, arXiv:0907.4698: the strength of the shrinkage. Sun, Feng, Saenko (2016),
Return of frustratingly easy domain adaptation, arXiv:1511.05547: CORAL. Ando, McLean, Berndl
(2017), Improving phenotypic measurements in high-content imaging screens, bioRxiv 161422: TVN.
"""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np

from jumpduck.errors import ProfileError, QueryError
from jumpduck.normalization.affine import Affine, Values
from jumpduck.normalization.moments import Scatter

KINDS = ("ZCA-cor", "ZCA", "PCA-cor", "PCA")

SHRINKAGES = ("auto", "oas", "none")
"""``auto`` shrinks where the rows do not tell the variance in all directions."""

TVN_LAMBDA = 1.0
"""What TVN adds to the variance in each direction."""

_Key = TypeVar("_Key", bound=Hashable)


def whitening(
    scatter: Scatter,
    kind: str = "ZCA-cor",
    *,
    center: bool = True,
    epsilon: float = 1e-6,
    shrinkage: str = "auto",
) -> Affine:
    """Get the map that makes the covariance of the rows the identity.

    With the singular values s and the right singular vectors V of the n centred rows, divided by
    their population standard deviation for the kinds on correlations, the matrix is
    ``V diag(sqrt(n - 1) / (s + epsilon))`` for PCA, times V' for ZCA, as pycytominer 1.7.1 has it.

    Shrunk, the covariance is ``(1 - r) C + r tr(C)/d I`` with the strength r of Chen et al.
    (equation 23). Where rows are at most as many as features, the matrix is then divided by the
    spread that each row has under the map fitted on the others, so that new rows of the same kind
    have a spread of 1.

    Parameters
    ----------
    kind
        One of `KINDS`.
    center
        Whether the mean is subtracted.
    epsilon
        What is added to the singular values.
    shrinkage
        One of `SHRINKAGES`. With ``none`` directions of no variance get the smallest singular
        value that is not 0, as in pycytominer 1.7.1.

    Raises
    ------
    QueryError
        An option is not one of those allowed.
    ProfileError
        There are too few rows, a feature is constant, or features depend on each other.
    """
    check_options(kind, shrinkage, center=center)
    n, d = scatter.count, scatter.width
    mean, matrix = scatter.merged()
    rows = scatter.rows
    if not center:
        matrix = matrix + n * np.outer(mean, mean)
        mean = np.zeros(d)
    scale = np.ones(d)
    if kind.endswith("-cor"):
        scale = np.sqrt(np.diag(matrix) / n)
        matrix = matrix / np.outer(scale, scale)
    squares, vectors = decomposed(matrix)
    rank = int((squares > squares[0] * max(n, d) * np.finfo(float).eps).sum())
    facts = {"rows": float(n), "rank": float(rank)}
    if shrinkage == "oas" or (shrinkage == "auto" and rank < d):
        if n > d and rank < d and not kind.endswith("-cor"):
            raise ProfileError(_dependent(n, d, rank))
        strength = oas_strength(squares / (n - 1), n - 1)
        level = strength * squares.sum() / (n - 1) / d
        factors = 1 / np.sqrt((1 - strength) * squares / (n - 1) + level)
        spread = 1.0
        if rows is not None and n > 2:
            turned = (rows - mean) / scale @ vectors
            spread = _left_out_spread(turned, squares, strength, level, center=center)
        factors = factors / spread
        facts |= {"shrinkage": float(strength), "left_out_spread": float(spread)}
    else:
        singular = np.sqrt(squares)
        if rank < d:
            if rank != (n - 1 if center else n):
                raise ProfileError(_dependent(n, d, rank))
            singular[rank:] = singular[rank - 1]
        factors = np.sqrt(n - 1) / (singular + epsilon)
    rotation = vectors * factors
    if kind.startswith("ZCA"):
        rotation = rotation @ vectors.T
    return Affine(center=mean, matrix=rotation / scale[:, None], facts=facts)


def oas_strength(variances: Values, n: int) -> float:
    """Get how much of a covariance matrix the oracle approximating shrinkage replaces.

    Equation 23 of Chen et al. (2010), from 0 to 1.

    Parameters
    ----------
    variances
        Eigenvalues of the covariance matrix.
    n
        Degrees of freedom that it was estimated with.
    """
    d = len(variances)
    squared, total = float((variances**2).sum()), float(variances.sum() ** 2)
    over = (1 - 2 / d) * squared + total
    under = (n + 1 - 2 / d) * (squared - total / d)
    return 1.0 if under <= over else over / under


def typical_variation(
    scatters: Mapping[_Key, Scatter], strength: float = TVN_LAMBDA
) -> dict[_Key, Affine]:
    """Get the map of typical variation normalization of each batch.

    Controls of all batches together give the mean m, and the covariance ``C = V diag(v) V'``
    divided by their number; ``z = (x - m) V diag(1 / sqrt(v + strength))``. CORAL then aligns each
    batch: ``z (B + strength I)^(-1/2) (T + strength I)^(1/2)``, where B and T are the means of zz'
    over the controls of the batch and of all batches. So it is in the published analyses of
    BBBC021 with a strength of 1.

    Parameters
    ----------
    scatters
        Those of the controls of each batch.

    Raises
    ------
    ProfileError
        A batch has no controls.
    """
    merged = {key: one.merged() for key, one in scatters.items()}
    if empty := [key for key, one in scatters.items() if not one.count]:
        raise ProfileError(f"{empty[0]} has no controls; tvn needs some in each batch")
    count = sum(one.count for one in scatters.values())
    mean = sum(scatters[key].count * one for key, (one, _) in merged.items()) / count
    # of the rows of each batch around the mean of all
    around = {
        key: matrix + scatters[key].count * np.outer(own - mean, own - mean)
        for key, (own, matrix) in merged.items()
    }
    whole = sum(around.values()) / count
    variances, vectors = decomposed(np.asarray(whole))
    rotation = vectors / np.sqrt(variances + strength)
    target = np.sqrt(variances / (variances + strength) + strength)
    maps: dict[_Key, Affine] = {}
    for key, matrix in around.items():
        own = rotation.T @ (matrix / scatters[key].count) @ rotation
        inside, axes = decomposed(own)
        aligned = (axes / np.sqrt(inside + strength)) @ axes.T
        facts = {"rows": float(scatters[key].count)}
        maps[key] = Affine(center=np.asarray(mean), matrix=rotation @ aligned * target, facts=facts)
    return maps


def decomposed(matrix: Values) -> tuple[Values, Values]:
    """Get the eigenvalues of a covariance matrix, largest first, and the eigenvectors as columns.

    The entry of an eigenvector that is farthest from 0 is positive, so that the same table gives
    the same signs wherever it is computed.
    """
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    vectors = vectors[:, ::-1]
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return np.maximum(values[::-1], 0), vectors * signs


def _left_out_spread(
    turned: Values, squares: Values, strength: float, level: float, *, center: bool
) -> float:
    """Get the root mean square of each row under the map that was fitted on the others.

    The formula of Sherman and Morrison gives it without another fit.

    Parameters
    ----------
    turned
        The centred rows in the directions of the eigenvectors.
    squares
        Eigenvalues of their scatter matrix.
    """
    n, d = turned.shape
    lost = 2 if center else 1
    part = (1 - strength) / (n - lost)
    inflation = n / (n - 1) if center else 1.0
    distance = (turned**2 / (part * squares + level)).sum(axis=1)
    under = np.maximum(1 - part * inflation * distance, np.finfo(float).eps)
    return float(np.sqrt((inflation**2 * distance / under).mean() / d))


def check_options(kind: str, shrinkage: str, *, center: bool) -> None:
    """Raise QueryError for options of spherize that are not allowed, or do not go together."""
    if kind not in KINDS:
        raise QueryError(f"kind {kind!r} of spherize is not one of {', '.join(KINDS)}")
    if shrinkage not in SHRINKAGES:
        allowed = ", ".join(SHRINKAGES)
        raise QueryError(f"shrinkage {shrinkage!r} of spherize is not one of {allowed}")
    if not center and kind.endswith("-cor"):
        raise QueryError(f"center=false does not go with {kind}; take ZCA or PCA, or center=true")


def _dependent(n: int, d: int, rank: int) -> str:
    return (
        f"spherize: {n:,} rows of {d:,} features vary in {rank:,} directions only, because "
        "features depend on each other or have scales that are too different; put "
        "correlation_threshold or standardize before it, or take kind=ZCA-cor,shrinkage=oas"
    )
