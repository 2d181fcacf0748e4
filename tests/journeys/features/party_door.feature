Feature: What a supplier does at the party door beside its signed requests
  A dry run of a request, and its own list of hubs that enter no pilot and no period.

  @EX-1
  Scenario: A dry run says what a request would be answered, and nothing comes of it
    Given a release is in its pilot
    When Supplier A asks what a preferred pilot list of two hubs of Supplier A and an unknown hub would be answered
    Then it would be answered W110501
    And the answer would list an unknown hub under InvalidDeviceIDList
    And nobody is told anything
    When Supplier A submits a preferred pilot list of two hubs of Supplier A and an unknown hub
    Then the answer is W110501
    And the answer lists an unknown hub under InvalidDeviceIDList

  @EX-1
  Scenario: A dry run of what would be refused
    Given DCC has announced a release
    When DCC decides to Revoke, confirmed
    And Supplier A asks what a preferred pilot list of two hubs of Supplier A would be answered
    Then it would be answered E110501

  @EX-2
  Scenario: A supplier's own request loses the hubs that it protects
    Given a release is in its pilot
    And Supplier A protects one hub of Supplier A
    When Supplier A submits a preferred pilot list of two hubs of Supplier A
    Then the answer is W110501
    And the answer lists one hub of Supplier A under ProtectedDeviceIDList
    And the protection list of Supplier A has one hub of Supplier A
    When Supplier A protects no hub any more
    And Supplier A submits a preferred pilot list of two hubs of Supplier A
    Then the answer is I99

  @EX-2
  Scenario: A CSP meets an objection that names nobody
    Given a release is in its pilot
    And Supplier A protects one hub of Supplier A
    When CSP North uploads a default pilot list of one hub of Supplier A
    Then the CSP is told that one hub of Supplier A are not taken
    And nobody is told anything
