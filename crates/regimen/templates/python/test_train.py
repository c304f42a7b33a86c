"""`python3 -m unittest`."""

import unittest

import train


class Training(unittest.TestCase):
    def test_it_learns(self):
        self.assertGreater(train.train(lr=0.1, epochs=10, seed=1), 0.8)

    def test_a_seed_decides_everything(self):
        self.assertEqual(train.train(0.1, 2, seed=3), train.train(0.1, 2, seed=3))


if __name__ == "__main__":
    unittest.main()
