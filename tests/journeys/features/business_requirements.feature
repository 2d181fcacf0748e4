Feature: Business requirements 1 to 6
  In the order and the terms of the business requirements.

  @BR-1.2
  Scenario: 1, the automatic date is six months after the notice
    When DCC announces a release
    Then the automatic date is 2027-09-30
    And the FirmwareReleaseNotice to CSP North says AutomaticDate "2027-09-30T09:00:00Z"

  @BR-1.3
  Scenario: 1, each supplier gets a report of its eligible hubs with its role for each
    When DCC announces a release
    Then the email A01 to Supplier B lists the split hubs
    And the email A01 to Supplier B calls it Gas Supplier and not Import Supplier of each

  @BR-1.4
  Scenario: 1, a notice is revised
    Given DCC has announced a release
    When DCC announces revision 2 of the release
    Then CSP North gets FirmwareReleaseNotice once
    And the FirmwareReleaseNotice to CSP North says Revision "2"

  @BR-1.5
  Scenario: 1, a notice is revoked
    Given DCC has announced a release
    When DCC decides to Revoke, confirmed
    Then Supplier A gets N72 once
    And a preferred pilot list of Supplier A is answered E110501

  @BR-2.1 @BR-5.7
  Scenario: 2, a supplier extracts the hubs to which the image may be applied
    Given DCC has announced a release
    Then the eligible hubs of Supplier B are the split hubs

  @BR-2.3 @BR-5.2 @PIA-5
  Scenario: 2, hubs that fail validation are listed, each by its reason
    Given a release is in its pilot
    When Supplier A submits a preferred pilot list of two hubs of Supplier A, an unknown hub and one hub of the supplier on 5.4
    Then the answer is W110501
    And the answer lists an unknown hub under InvalidDeviceIDList
    And the answer lists one hub of the supplier on 5.4 under NotResponsibleDeviceIDList
    And DCC gets PreferredPilotListReport for two hubs of Supplier A

  @BR-2.4
  Scenario: 2, all are told of the start of the pilot
    Given DCC has announced a release
    When DCC approves the release
    Then Supplier A gets the email X05
    And CSP South gets StageChange once

  @BR-3.1 @BR-3.4
  Scenario Outline: 3, an instruction at least one month before the automatic time
    Given a release in safe launch whose automatic time is <automatic>
    When Supplier A submits a SafeLaunch group of one hub of Supplier A
    Then the answer is <answer>

    Examples: it is 2027-03-30T09:00:00Z
      | automatic            | answer  |
      | 2027-04-30T09:00:00Z | I99     |
      | 2027-04-30T08:59:59Z | E110605 |

  @BR-3.2
  Scenario: 3, one supplier's instruction is enough for its own hub
    Given a release is in its safe launch
    When Supplier A submits a SafeLaunch group of one hub of Supplier A
    Then the plan of one hub of Supplier A is not the automatic date

  @BR-3.3 @BR-4.1
  Scenario: 3 and 4, a split hub waits for both suppliers
    Given a release is in its safe launch
    When Supplier A submits a SafeLaunch group of one split hub
    Then the plan of one split hub is the automatic date
    And the plan of one split hub names the Gas Supplier as the one that is missing
    When Supplier B submits a SafeLaunch group of one split hub
    Then the plan of one split hub is not the automatic date

  @BR-3.6
  Scenario: 3, without an instruction the hub is activated at DCC's time
    Given a release is in its safe launch
    Then the plan of one hub of Supplier A is the automatic date

  @BR-3.7 @BR-6.1
  Scenario: 3 and 6, DCC instructs the safe launch in batches
    Given a release is in its safe launch
    When DCC instructs a batch of two hubs of Supplier A
    Then Supplier A gets N72 for two hubs of Supplier A
    And the plan of one hub of Supplier A is not the automatic date

  @BR-3.9
  Scenario: 3, a supplier selects all its hubs ahead of the mass date
    Given a release is in its safe launch
    When Supplier A submits a SafeLaunch group of the hubs of Supplier A
    Then the answer is I99
    And CSP North gets PreferredPilotSchedule for the hubs of Supplier A

  @BR-4.2
  Scenario: 4, of two periods the later start and the later end count
    Given a release is in its safe launch
    When Supplier A submits a SafeLaunch group of one split hub from day 2 to day 9
    And Supplier B submits a SafeLaunch group of one split hub from day 4 to day 6
    Then the plan of one split hub is from day 4 to day 9

  @BR-5.1
  Scenario: 5, the requesting supplier is told on receipt
    Given a release is in its safe launch
    When Supplier A submits a SafeLaunch group of one hub of Supplier A
    Then the answer is I99

  @BR-5.3 @BR-5.7
  Scenario: 5, a supplier queries the firmware status of its whole estate
    Given a release is in its pilot
    And the CSP has reported one hub of Supplier A active on version 9002
    Then the status of Supplier A counts one more hub on version 9002 than before it

  @BR-5.4 @BR-5.5 @FIA-8
  Scenario: 5, each actor is shown how long it has
    Given a release is in its pilot
    Then the deadlines of Supplier A have a task of its own with the time left
    And the deadlines of Supplier A have a next action of the others

  @BR-5.6
  Scenario: 5, the inventory is updated and the current suppliers are told
    Given a release is in its pilot
    When the CSP reports one split hub active on version 9002
    Then the inventory has one split hub on version 9002
    And Supplier A gets N64 for one split hub
    And Supplier B gets N64 for one split hub

  @BR-6.2 @BR-6.4
  Scenario: 6, DCC suspends at once, pending the decision
    Given a release is in its pilot
    When DCC forwards an incident of Supplier A with a request for an emergency stop
    Then the release is piloting, not paused
    When DCC decides to Pause, provisional
    Then the release is piloting, paused
    And the N72 to Supplier A says DecisionStatus "Provisional"

  @BR-6.3 @BR-6.4 @BR-6.5
  Scenario: 6, the Panel confirms and all are told what it means
    Given a release is in its pilot
    When DCC decides to Stop, confirmed
    Then the N72 to Supplier A says DecidedBy "SEC Panel"
    And the N72 to Supplier A tells what becomes of pending requests
    And a preferred pilot list of Supplier A is answered E110501
