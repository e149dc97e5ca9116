"""A duty: something that a good parent does, tried on one init in one setting.

It is a function of a trial; its documentation is its row in the table. It returns what was seen in a few words, True for
`yes`, False for `no`.
"""
from duties.trial import Lacks, Trial

DUTIES = []


class Duty:
    def __init__(self, function, wanted):
        self.name, self.what, self.wanted = function.__name__, function.__doc__, wanted
        self.function = function

    def outcome(self, init, setting):
        with Trial(init, setting) as trial:
            try:
                seen = self.function(trial)
            except Lacks:
                return "no such option"
        return {True: "yes", False: "no"}.get(seen, seen)


def duty(wanted="yes"):
    """Makes a duty of a function. wanted: what is to be seen of us."""
    def decorate(function):
        DUTIES.append(Duty(function, wanted))
        return function
    return decorate
