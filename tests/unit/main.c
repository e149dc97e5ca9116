#include <stdlib.h>

#include "tests/unit/suites.h"

#define SUITE_ADDRESS(suite) suite,

int main(void)
{
    static Suite *(*const suites[])(void) = { UNIT_SUITES(SUITE_ADDRESS) };
    SRunner *runner = srunner_create(NULL);
    int failed;

    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        srunner_add_suite(runner, suites[i]());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
