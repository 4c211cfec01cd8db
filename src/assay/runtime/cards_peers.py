"""How do the handbook's own models do on the same rows? Its recipe, rerun with its libraries.

Source:
    Le Borgne, Siblini, Lebichot, Bontempi (2022), Reproducible Machine Learning for Credit Card
    Fraud Detection - Practical Handbook, chapter 3: scaled inputs, library defaults, seed 0.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Unavailable

Progress = Callable[[str], None]
_SEED = 0  # the book's


def rerun_peers(
    train_x: NDArray[np.float64],
    train_fraud: NDArray[np.bool_],
    test_x: NDArray[np.float64],
    *,
    threads: int,
    progress: Progress = lambda _: None,
) -> dict[str, NDArray[np.float64]]:
    """Fraud scores of the handbook's three models on the test rows, by model name.

    Inputs are standardised by the training rows, for all three as in the book. XGBoost is given
    the exact split search and prior score that were its defaults when the book was written (1.x);
    they have changed since.

    Args:
        train_x: the 15 features of the training week, in the book's column order.
        train_fraud: shape ``(n,)``.
        test_x: the same features of the rows to score.
        threads: of the forest and of the boosting; the results do not depend on it.
        progress: told what is being fitted.

    Raises:
        Unavailable: scikit-learn or XGBoost is not installed.
    """
    recipes = _recipes(threads)
    scaler = _scaler().fit(train_x)
    scaled_train, scaled_test = scaler.transform(train_x), scaler.transform(test_x)
    scores = {}
    for name, make in recipes.items():
        progress(f"refitting the handbook's {name}")
        model = make()
        model.fit(scaled_train, train_fraud.astype(np.int64))
        scores[name] = model.predict_proba(scaled_test)[:, 1].astype(np.float64)
    return scores


def _scaler() -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler()


def _recipes(threads: int) -> Mapping[str, Callable[[], Any]]:
    try:
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from xgboost import XGBClassifier
    except ImportError as error:
        raise Unavailable(
            f"the comparison refits the handbook's models and {error.name} is not installed: "
            "run `pip install assay[peers]`"
        ) from error
    return {
        "logistic regression": lambda: LogisticRegression(random_state=_SEED),
        "random forest": lambda: RandomForestClassifier(random_state=_SEED, n_jobs=threads),
        "XGBoost": lambda: XGBClassifier(
            random_state=_SEED, n_jobs=threads, tree_method="exact", base_score=0.5
        ),
    }
