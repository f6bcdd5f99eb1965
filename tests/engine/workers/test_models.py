"""A process loads a model once, however many tasks ask for it at a time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from poroscale.engine.workers.models import MOST, forget_models, load_once


def test_threads_that_ask_at_a_time_load_once():
    loaded = []

    def load():
        time.sleep(0.01)
        loaded.append(threading.get_ident())
        return object()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: load_once({"weights": "a"}, load), range(8)))
    assert len(loaded) == 1
    assert all(model is found[0] for model in found)


def test_other_weights_are_another_model_and_the_oldest_goes():
    first = load_once({"weights": "old"}, object)
    others = [load_once({"weights": k}, object) for k in range(MOST)]
    assert load_once({"weights": MOST - 1}, object) is others[-1]
    assert load_once({"weights": "old"}, object) is not first


def test_models_that_are_forgotten_are_loaded_again():
    first = load_once({"weights": "kept"}, object)
    assert load_once({"weights": "kept"}, object) is first
    forget_models()
    assert load_once({"weights": "kept"}, object) is not first
